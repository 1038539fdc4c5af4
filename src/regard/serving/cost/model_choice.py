"""Which models a user means, and in which formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from regard.serving.cost.architecture import Architecture
from regard.serving.cost.architectures import (
    Formats,
    preset,
    preset_names,
    read_config_file,
    uniform_formats,
)
from regard.serving.cost.data_files import read_shipped
from regard.serving.cost.errors import CostError
from regard.serving.cost.precision import Precision

ALL = "all"
PAPER = "paper"


@dataclass(frozen=True, kw_only=True)
class FormatChoice:
    """Formats that a user asks for; None leaves a preset's own."""

    weights: Precision | None = None
    """Weights, and the arithmetic on them."""

    kv: Precision | None = None
    """Keys and values, and the arithmetic on them."""

    state: Precision | None = None
    """The state of linear attention."""

    def applied_to(self, formats: Formats) -> Formats:
        """A preset's formats with those asked for in their place."""
        cache = formats.cache
        if self.kv is not None:
            cache = replace(cache, full=self.kv, window=self.kv)
        if self.state is not None:
            cache = replace(cache, state=self.state)
        return Formats(
            weights=self.weights or formats.weights,
            attention=self.kv or formats.attention,
            cache=cache,
        )

    def complete(self, name: str) -> Formats:
        """The formats of a model whose configuration names none.

        Raises:
            CostError: Weights or KV cache have no format: the answer depends on both.
        """
        if self.weights is None or self.kv is None:
            raise CostError(
                f"{name}: a configuration does not say in which formats it is served; "
                "give --weights and --kv, for example --weights fp8 --kv fp8"
            )
        return uniform_formats(weights=self.weights, kv=self.kv, state=self.state or Precision.FP32)


NO_CHOICE = FormatChoice()


def choose_model(
    name: str, formats: FormatChoice = NO_CHOICE, *, family: str | None = None
) -> Architecture:
    """A preset by its name, or the model of a `config.json` or of the folder that holds one.

    Raises:
        CostError: There is no such model, or its configuration cannot be used.
    """
    path = Path(name)
    if path.is_dir() and (path / "config.json").is_file():
        path = path / "config.json"
    if path.is_file():
        return read_config_file(path, formats=formats.complete(name), family=family)
    if name.endswith(".json"):
        raise CostError(f"{name}: no such file")
    found = preset(name)
    return found.in_formats(formats.applied_to(found.formats))


def choose_models(
    names: Sequence[str], formats: FormatChoice = NO_CHOICE, *, family: str | None = None
) -> list[Architecture]:
    """Several models; `all` is every preset, `paper` the nine that the Step-3 report compares."""
    groups = {ALL: preset_names(), PAPER: tuple(read_shipped("paper.yaml")["models"])}
    expanded = [each for name in names for each in groups.get(name.lower(), (name,))]
    return [choose_model(each, formats, family=family) for each in dict.fromkeys(expanded)]
