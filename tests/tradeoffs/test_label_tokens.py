"""Label probabilities are shares of the labels' own mass, and the mass is told."""

from math import log

import pytest

from regard.tradeoffs.label_tokens import read_labels


def test_variants_with_white_space_add_up() -> None:
    reading = read_labels([("K", log(0.3)), (" K", log(0.3)), ("R", log(0.2))], ["K", "R"])
    assert reading.shares["K"] == pytest.approx(0.75)
    assert reading.mass == pytest.approx(0.8)


def test_a_lower_case_letter_is_not_the_label_and_a_capital_word_is() -> None:
    assert read_labels([("k", log(0.9))], ["K", "R"]).mass == 0
    assert read_labels([("Circle", log(0.9))], ["circle", "square"]).mass == pytest.approx(0.9)


def test_a_split_label_shows_as_split() -> None:
    reading = read_labels([("squ", log(0.6)), ("circle", log(0.3))], ["circle", "square"])
    assert reading.split_mass == pytest.approx(0.6)
    assert reading.mass == pytest.approx(0.3)


def test_without_any_label_nothing_is_preferred_and_the_mass_is_nought() -> None:
    reading = read_labels([("Well", log(0.9)), ("", log(0.05))], ["K", "R"])
    assert (reading.shares["K"], reading.mass, reading.split_mass) == (0.5, 0, 0)


def test_rounding_does_not_lift_the_mass_above_one() -> None:
    assert read_labels([("K", 0.0), ("R", log(0.01))], ["K", "R"]).mass == 1
