"""A player sees in a cell what the cell says."""

from dataclasses import replace

from regard.tradeoffs.design import Cell
from regard.tradeoffs.respondents.contract import cells_frame
from regard.tradeoffs.respondents.features import Features, features_of

PAIN = Cell(
    state="pain",
    scale="numeric",
    intensity=6,
    gap=7,
    order="max-first",
    labels="K/R",
    wording="plain",
    context="bare",
)


def _of(*cells: Cell) -> Features:
    return features_of(cells_frame(cells))


def test_pain_on_the_best_and_pleasure_on_the_other_speak_against_the_points() -> None:
    seen = _of(
        PAIN,
        replace(PAIN, clause="second-before"),
        replace(PAIN, state="pleasure", clause="second-after"),
        replace(PAIN, state="pleasure"),
        replace(PAIN, state="none", clause="none"),
    )
    assert seen.pull.tolist() == [1, -1, 1, -1, 0]
    assert seen.side.tolist() == [1, -1, -1, 1, 0]


def test_a_verbal_step_is_read_as_a_level_of_the_numeric_scale() -> None:
    seen = _of(PAIN, replace(PAIN, scale="verbal", intensity=4), replace(PAIN, scale="shuffled"))
    assert seen.level.tolist() == [6, 5, 7.5]
    assert seen.numeric.tolist() == [True, False, False]


def test_the_early_label_follows_order_and_listing() -> None:
    seen = _of(
        PAIN,
        replace(PAIN, order="max-second"),
        replace(PAIN, labels="R/K"),
        replace(PAIN, labels="R/K", order="max-second"),
    )
    assert seen.early_label.tolist() == [1, -1, -1, 1]
    assert seen.first.tolist() == [1, -1, 1, -1]


def test_questions_of_comprehension_are_told_from_the_dominated_choice() -> None:
    seen = _of(replace(PAIN, state="ask-points"), replace(PAIN, state="dominated"), PAIN)
    assert seen.asks.tolist() == [True, False, False]
    assert seen.is_state("pain", "dominated").tolist() == [False, True, True]
