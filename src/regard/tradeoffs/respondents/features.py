"""What a simulated player sees in a table of cells: numbers in place of names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from regard.tradeoffs.respondents.contract import Array
from regard.tradeoffs.states import COMPREHENSION, level_of

Strings = np.ndarray[Any, np.dtype[np.object_]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Places = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True, kw_only=True)
class Features:
    """One entry a cell in each array."""

    state: Strings
    """Names as in the table; a question of the gates is a state too."""
    level: Array
    """Intensity in levels 0 to 10, whatever the scale."""
    gap: Array
    """Points."""
    numeric: Flags
    """Whether the level stands as a digit."""
    side: Array
    """1: the sentence hangs on the option with more points; -1: on the other; 0: on both, none."""
    pull: Array
    """1: a reaction to the state speaks for the option with fewer points; -1: for the other one.
    0 where there is no sentence."""
    first: Array
    """1 where the option with more points is listed first, -1 elsewhere."""
    early_label: Array
    """1 where the option with more points has the label that sorts first, -1 elsewhere."""
    wording: Places
    """Index into `wordings`."""
    wordings: tuple[str, ...]
    context: Places
    """Index into `contexts`."""
    contexts: tuple[str, ...]

    @property
    def asks(self) -> Flags:
        """Whether the cell is a question of comprehension."""
        return self.is_state(*COMPREHENSION)

    def is_state(self, *names: str) -> Flags:
        """Whether the cell's state is one of these."""
        return _is_one_of(self.state, names)


def features_of(cells: pd.DataFrame) -> Features:
    """Reads the key columns of a table of cells."""
    state = cells["state"].to_numpy(dtype=object)
    clause = cells["clause"].to_numpy(dtype=object)
    first = _signs(cells["order"].to_numpy(dtype=object) == "max-first")
    wording, wordings = pd.factorize(cells["wording"], sort=True)
    context, contexts = pd.factorize(cells["context"], sort=True)
    on_best = _is_one_of(clause, ["best-after", "best-before"])
    on_second = _is_one_of(clause, ["second-after", "second-before"])
    side = on_best.astype(float) - on_second.astype(float)
    # Pain on an option speaks against it, pleasure for it. A sentence on both is taken as one on
    # the better option: whoever has a weight for it reacts to the words, wherever they stand.
    stated = clause != "none"
    direction = np.where(on_second, -1.0, 1.0) * np.where(state == "pleasure", -1.0, 1.0)
    scale = cells["scale"].to_numpy(dtype=object)
    intensity = cells["intensity"].to_numpy(dtype=float)
    verbal = _is_one_of(scale, ["verbal", "shuffled"])
    return Features(
        state=state,
        level=np.where(verbal, level_of(1.0, "verbal") * intensity, intensity),
        gap=cells["gap"].to_numpy(dtype=float),
        numeric=scale == "numeric",
        side=side,
        pull=np.where(stated, direction, 0.0),
        first=first,
        early_label=_signs(_has_early_label(cells)) * first,
        wording=wording,
        wordings=tuple(wordings),
        context=context,
        contexts=tuple(contexts),
    )


def _has_early_label(cells: pd.DataFrame) -> Flags:
    """Whether the option listed first has the label that sorts first."""
    pairs, names = pd.factorize(cells["labels"])
    sorted_first = [name.split("/")[0] == min(name.split("/")) for name in names]
    flags: Flags = np.asarray(sorted_first, dtype=np.bool_)[pairs]
    return flags


def _is_one_of(values: Strings, names: Sequence[str]) -> Flags:
    found = np.zeros(len(values), dtype=np.bool_)
    for name in names:
        found |= values == name
    return found


def _signs(flags: Flags) -> Array:
    return np.where(flags, 1.0, -1.0)
