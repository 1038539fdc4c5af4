"""Reading the keys of a Hugging Face `config.json` without guessing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from regard.serving.cost.errors import CostError


class ConfigReader:
    """A configuration that remembers what it had to assume, and names what it misses."""

    def __init__(self, config: Mapping[str, Any], *, name: str, family: str) -> None:
        self._config = config
        self._name = name
        self._family = family
        self._assumptions: list[str] = []

    @property
    def assumptions(self) -> tuple[str, ...]:
        """One sentence for each key that was absent and has a documented meaning then."""
        return tuple(self._assumptions)

    def has(self, key: str) -> bool:
        """Whether the key is there with a value."""
        return self._config.get(key) is not None

    def whole(self, key: str, *, at_least: int = 1) -> int:
        """A whole number.

        Raises:
            CostError: The key is absent, or its value is no whole number of that size.
        """
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
            raise CostError(
                f"{self._name}: {key} is {value!r}; a whole number of at least {at_least} is needed"
            )
        return value

    def optional_whole(self, key: str) -> int | None:
        """A whole number, or None where the key is absent or null."""
        return self.whole(key) if self.has(key) else None

    def whole_or(self, key: str, value: int, reason: str, *, at_least: int = 1) -> int:
        """A whole number, or `value` with its reason noted as an assumption."""
        if self.has(key):
            return self.whole(key, at_least=at_least)
        self._assumptions.append(f"{key} is absent: taken as {value} ({reason})")
        return value

    def flag_or(self, key: str, value: bool, reason: str) -> bool:
        """A truth value, or `value` with its reason noted as an assumption."""
        if self.has(key):
            found = self._value(key)
            if not isinstance(found, bool):
                raise CostError(f"{self._name}: {key} is {found!r}; true or false is needed")
            return found
        self._assumptions.append(f"{key} is absent: taken as {value} ({reason})")
        return value

    def whole_list(self, key: str) -> list[int]:
        """A list of whole numbers."""
        values = self._value(key)
        if isinstance(values, str):
            values = values.split(",")
        if not isinstance(values, Sequence):
            raise CostError(f"{self._name}: {key} is {values!r}; a list is needed")
        try:
            return [int(each) for each in values]
        except (TypeError, ValueError) as error:
            raise CostError(f"{self._name}: {key} holds what is no whole number") from error

    def names(self, key: str, allowed: Sequence[str]) -> list[str]:
        """A list of names, all of them among `allowed`."""
        values = self._value(key)
        if not isinstance(values, list) or (unknown := sorted(set(values) - set(allowed))):
            found = unknown if isinstance(values, list) else values
            raise CostError(
                f"{self._name}: {key} holds {found!r}; this family reads {', '.join(allowed)}"
            )
        return cast(list[str], values)

    def refuse_when(self, key: str, reason: str) -> None:
        """Refuses a configuration in which this key is set to something true.

        Raises:
            CostError: It is.
        """
        if self._config.get(key):
            raise CostError(f"{self._name}: {key} is {self._config[key]!r}; {reason}")

    def _value(self, key: str) -> Any:
        if not self.has(key):
            raise CostError(
                f"{self._name}: key {key!r} is missing; it was read as family {self._family}"
            )
        return self._config[key]
