"""Which verdicts are true of which simulated kind of respondent."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np

from regard.tradeoffs.errors import TradeoffsError

Range = tuple[float, float]
Setting = float | str | bool | Range
"""A value, or the two ends of an even distribution."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of respondent whose true verdict is known."""

    name: str
    """Unique over both zoos."""
    zoo: int
    """1: thresholds on the stated intensity; 2: utilities, other noise."""
    about: str
    """What it does, in one clause."""
    target: str
    """The state whose verdict counts: `pain` or `pleasure`."""
    readings: tuple[str, ...]
    """What is simulated of it: `text`, `logprob`."""
    allowed: tuple[str, ...]
    """The verdicts that are true of it."""
    never: bool
    """Whether calling it a trade-off even once is a defect."""
    parameters: Mapping[str, Setting]
    """Parameters of its player, ranges among them; the others keep the player's defaults."""

    def draw(self, rng: np.random.Generator) -> dict[str, float | str | bool]:
        """One respondent of this kind: the parameters, ranges drawn evenly."""
        return {
            name: float(rng.uniform(*value)) if isinstance(value, tuple) else value
            for name, value in self.parameters.items()
        }


@dataclass(frozen=True, kw_only=True)
class TruthTable:
    """All kinds, and all verdicts there are."""

    verdicts: tuple[str, ...]
    """Every verdict, spelled as it is printed."""
    kinds: Mapping[str, Kind]
    """By name, in the file's order."""

    def kind(self, name: str) -> Kind:
        """The kind of this name.

        Raises:
            TradeoffsError: There is none.
        """
        if name not in self.kinds:
            raise TradeoffsError(f"no respondent {name!r}; choose one of: {', '.join(self.kinds)}")
        return self.kinds[name]

    def zoo(self, number: int) -> tuple[Kind, ...]:
        """The kinds of one zoo, 1 or 2."""
        return tuple(kind for kind in self.kinds.values() if kind.zoo == number)


@cache
def truth_table() -> TruthTable:
    """The table as committed in `truth_table.toml`."""
    return parse_truth_table(
        files("regard.tradeoffs").joinpath("truth_table.toml").read_text(encoding="utf-8")
    )


def parse_truth_table(text: str) -> TruthTable:
    """Reads a table from TOML.

    Raises:
        TradeoffsError: A verdict is unknown, a name stands twice, or a kind that is never a
            trade-off may be called one.
    """
    content = tomllib.loads(text)
    verdicts = tuple(content["verdicts"])
    kinds: dict[str, Kind] = {}
    for entry in content["kind"]:
        kind = Kind(
            name=entry["name"],
            zoo=entry["zoo"],
            about=entry["about"],
            target=entry.get("target", "pain"),
            readings=tuple(entry.get("readings", ["text"])),
            allowed=tuple(entry["allowed"]),
            never=entry.get("never", False),
            parameters=MappingProxyType(
                {name: _setting(value) for name, value in entry["parameters"].items()}
            ),
        )
        if unknown := sorted(set(kind.allowed) - set(verdicts)):
            raise TradeoffsError(f"truth table, {kind.name}: no verdict {unknown[0]!r}")
        if kind.name in kinds:
            raise TradeoffsError(f"truth table: {kind.name!r} stands twice")
        if kind.never and "trade-off" in kind.allowed:
            raise TradeoffsError(f"truth table, {kind.name}: never a trade-off, and allowed one")
        kinds[kind.name] = kind
    return TruthTable(verdicts=verdicts, kinds=MappingProxyType(kinds))


def _setting(value: object) -> Setting:
    if isinstance(value, list):
        low, high = value
        return (float(low), float(high))
    if isinstance(value, bool | str):
        return value
    return float(str(value))
