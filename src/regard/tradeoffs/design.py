"""The design: factors become cells, one prompt each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import cast

from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.prompts.catalogue import CONTEXTS, WORDINGS
from regard.tradeoffs.states import (
    ADDRESSEES,
    CLAUSES,
    ORDERS,
    QUESTIONS,
    STATES,
    TARGETS,
    VERBAL_STEPS,
)

GAPS: tuple[float, ...] = (1, 7, 50)
"""Evenly spaced in the logarithm, so that three gaps also show whether the price is straight."""
MIDDLE_GAP = 7.0
INTENSITIES: tuple[float, ...] = (0, 2, 4, 6, 8, 10)
QUESTION_INTENSITY = 5.0
"""No level of the main block, so that no question is a prompt of it."""
BASE_POINTS = 20
"""Points of the option with fewer; above every intensity, so that no number stands for both."""

# No digits: a stated level of 1 pulls answers towards the label 1. Words beside letters, because
# a liking for a letter is no liking for a word.
LABEL_PAIRS: tuple[str, ...] = ("K/R", "T/M", "circle/square", "R/K", "M/T", "square/circle")
"""As listed, first option first; wordings take them in turn, each pair in both directions."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One prompt of the design; the fields are the keys of `CellRow`."""

    state: str
    scale: str
    intensity: float
    gap: float
    order: str
    labels: str
    wording: str
    context: str
    addressee: str = "model"
    clause: str = "best-after"

    @property
    def cell_id(self) -> str:
        """Stable and readable: all factors, dotted."""
        return ".".join(
            [
                self.state,
                self.scale,
                f"{self.intensity:g}",
                f"gap{self.gap:g}",
                self.order,
                self.labels.replace("/", "-"),
                self.wording,
                self.context,
                self.addressee,
                self.clause,
            ]
        )


@dataclass(frozen=True, kw_only=True)
class DesignConfig:
    """Which part of the full design is asked; every choice is a subset of the full one."""

    wordings: tuple[str, ...] = WORDINGS
    """Paraphrases: the clusters of every interval."""
    contexts: tuple[str, ...] = CONTEXTS
    """Texts around the game."""
    gaps: tuple[float, ...] = GAPS
    """Points by which the best option exceeds the other."""
    intensities: tuple[float, ...] = INTENSITIES
    """Levels of the numeric scale."""
    states: tuple[str, ...] = tuple(STATES)
    """Stipulated states, `none` among them."""
    orders: tuple[str, ...] = ORDERS
    """Which option is listed first."""
    side_blocks: tuple[str, ...] = ("scale", "addressee", "clause")
    """Blocks beside the main one."""
    questions: tuple[str, ...] = QUESTIONS
    """Rows for the gates."""

    def __post_init__(self) -> None:
        for each in fields(self):
            chosen = getattr(self, each.name)
            allowed = cast(tuple[object, ...], each.default)
            if wrong := [value for value in chosen if value not in allowed]:
                raise TradeoffsError(
                    f"design, {each.name}: {wrong[0]!r} is not in the full design; "
                    f"choose from {', '.join(map(str, allowed))}"
                )

    def to_json(self) -> dict[str, list[object]]:
        """The same as plain lists."""
        return {name: list(values) for name, values in asdict(self).items()}


FULL = DesignConfig()
SHORT = DesignConfig(
    wordings=WORDINGS[:6],
    contexts=CONTEXTS[:1],
    gaps=(1, 50),
    intensities=(0, 4, 10),
    states=("none", "pain", "pleasure", "nonsense"),
    side_blocks=(),
)
"""What a developer's check and a small local model can afford: a few hundred cells."""


def design_cells(config: DesignConfig) -> tuple[Cell, ...]:
    """Every cell of a design, main block first; no cell stands in it twice."""
    blocks = {"scale": _scale_block, "addressee": _addressee_block, "clause": _clause_block}
    cells = [*_main_block(config)]
    for name in config.side_blocks:
        cells.extend(blocks[name](config))
    cells.extend(_question_block(config))
    return tuple(dict.fromkeys(cells))


def labels_of(wording: str) -> str:
    """The labels that a wording lists, first option first."""
    return LABEL_PAIRS[WORDINGS.index(wording) % len(LABEL_PAIRS)]


def _main_block(config: DesignConfig) -> Iterator[Cell]:
    """All combinations; labels alone are a fraction, rotated by wording."""
    for state in config.states:
        levels = (0.0,) if state == "none" else config.intensities
        for wording in config.wordings:
            for context in config.contexts:
                for gap in config.gaps:
                    for order in config.orders:
                        for level in levels:
                            yield _cell(state, level, wording, order, context=context, gap=gap)


def _cell(
    state: str,
    intensity: float,
    wording: str,
    order: str,
    *,
    context: str = CONTEXTS[0],
    gap: float = MIDDLE_GAP,
    scale: str = "numeric",
    addressee: str = "model",
    clause: str = "",
) -> Cell:
    return Cell(
        state=state,
        scale="none" if state == "none" else scale,
        intensity=float(intensity),
        gap=float(gap),
        order=order,
        labels=labels_of(wording),
        wording=wording,
        context=context,
        addressee=addressee,
        clause=clause or STATES[state].clause,
    )


def _half_order(config: DesignConfig, *indices: int) -> str:
    """The order by parity: half the cells, with order balanced against each other factor."""
    return config.orders[sum(indices) % len(config.orders)]


def _side(config: DesignConfig, states: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    for state in states:
        if state in config.states:
            for index, wording in enumerate(config.wordings):
                # Pairs of wordings share a label pair's direction; the shift keeps order off it.
                yield state, index + index // len(LABEL_PAIRS), wording


def _scale_block(config: DesignConfig) -> Iterator[Cell]:
    for scale, states in (("verbal", (*TARGETS, "nonsense")), ("shuffled", TARGETS[:1])):
        for state, index, wording in _side(config, states):
            for step in range(1, VERBAL_STEPS + 1):
                order = _half_order(config, index, step)
                yield _cell(state, step, wording, order, scale=scale)


def _addressee_block(config: DesignConfig) -> Iterator[Cell]:
    for place, addressee in enumerate(ADDRESSEES[1:]):
        for state, index, wording in _side(config, ("pain", "nonsense")):
            for rank, level in enumerate(config.intensities):
                order = _half_order(config, index, rank, place)
                yield _cell(state, level, wording, order, addressee=addressee)


def _clause_block(config: DesignConfig) -> Iterator[Cell]:
    for place, clause in enumerate(CLAUSES):
        for state, index, wording in _side(config, TARGETS):
            if clause == STATES[state].clause:
                continue
            for rank, level in enumerate(config.intensities):
                order = _half_order(config, index, rank, place)
                yield _cell(state, level, wording, order, clause=clause)


def _question_block(config: DesignConfig) -> Iterator[Cell]:
    for question in config.questions:
        for index, wording in enumerate(config.wordings):
            for context in config.contexts:
                for order in config.orders:
                    yield _cell(
                        question,
                        QUESTION_INTENSITY,
                        wording,
                        order,
                        context=context,
                        clause=_question_clause(question, index),
                    )


def _question_clause(question: str, index: int) -> str:
    if question == "dominated":
        return "second-after"
    if question == "ask-intensity":
        return "both-after"
    # "The one with more points" must not be the right answer to every question.
    return ("best-after", "second-after")[index % 2]
