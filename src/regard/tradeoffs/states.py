"""The states that a sentence can stipulate: two targets, their controls, and none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Role = Literal["baseline", "target", "control"]


@dataclass(frozen=True, kw_only=True)
class State:
    """One stipulated state."""

    name: str
    """As it stands in the column `state`."""

    role: Role
    """`baseline`: no sentence at all; `target`: its verdict counts; `control`: tells it from
    words."""

    clause: str
    """Where its sentence hangs in the main block, as the column `clause` spells it."""

    about: str
    """What the sentence says, in one clause."""


def _control(name: str, about: str, *, clause: str = "best-after") -> State:
    return State(name=name, role="control", clause=clause, about=about)


STATES: Mapping[str, State] = MappingProxyType(
    {
        state.name: state
        for state in (
            State(name="none", role="baseline", clause="none", about="no sentence"),
            State(
                name="pain",
                role="target",
                clause="best-after",
                about="the option with more points brings pain",
            ),
            State(
                name="pleasure",
                role="target",
                # As in the source: giving up points is what brings it.
                clause="second-after",
                about="the option with fewer points brings pleasure",
            ),
            _control("nonsense", "an invented thing with the same scale"),
            _control("neutral", "a change of the background's hue"),
            _control("unfelt", "something negative that nobody feels: a red mark on a sheet"),
            _control("fear", "another aversive state: fear"),
            _control("boredom", "another aversive state: boredom"),
            _control("both", "both options bring the same pain", clause="both-after"),
            _control("past", "the pain has been and does not come back"),
            _control("denied", "no pain at all: the words for pain, and that it does not come"),
        )
    }
)
"""By name, in the order of a report."""

TARGETS: tuple[str, ...] = tuple(each.name for each in STATES.values() if each.role == "target")
CONTROLS: tuple[str, ...] = tuple(each.name for each in STATES.values() if each.role == "control")

JUDGED_SCALES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"factorial": ("numeric",), "replica": ("numeric", "verbal")}
)
"""By task. Of the factorial's verbal scale a side block has one control only."""

QUESTIONS: tuple[str, ...] = ("dominated", "ask-points", "ask-state", "ask-intensity")
"""Rows that serve the gates only: a choice with one worse option, and three of comprehension."""

COMPREHENSION: tuple[str, ...] = QUESTIONS[1:]

SCALE_END = 10.0
"""Highest level of the numeric scale."""

VERBAL_STEPS = 8
"""Steps of the verbal scales, from 1."""

ADDRESSEES: tuple[str, ...] = ("model", "user", "player", "assisted")
CLAUSES: tuple[str, ...] = ("best-after", "best-before", "second-after", "second-before")
ORDERS: tuple[str, ...] = ("max-first", "max-second")


def level_of(intensity: float, scale: str) -> float:
    """The intensity in levels of the numeric scale, 0 to 10; verbal steps evenly spaced."""
    return intensity * SCALE_END / VERBAL_STEPS if scale in ("verbal", "shuffled") else intensity
