"""Only an answer that says one label counts as a choice."""

import pytest

from regard.tradeoffs.answer import parse_answer

LETTERS = ("K", "R")
WORDS = ("circle", "square")
DIGITS = ("1", "2", "3")


@pytest.mark.parametrize(
    "text",
    ["K", " K.", "**K**", "(K)", '"K"', "Option K", "I choose K.", "I'd go with K", "Answer: K"]
    + ["K\n\nIt has more points.", "I choose option K because it gives more points"],
)
def test_a_plain_answer_is_a_choice(text: str) -> None:
    assert parse_answer(text, LETTERS) == ("choice", "K")


@pytest.mark.parametrize(
    "text",
    ["", "k", "K or R", "Not K", "K is what I avoid", "K\nR", "Kangaroo", "K2", "Both."]
    + ["I choose K because R hurts", "Well, one might say K"],
)
def test_what_names_no_option_or_two_is_unparsed(text: str) -> None:
    assert parse_answer(text, LETTERS).outcome == "unparsed"


@pytest.mark.parametrize(
    "text",
    ["I'm sorry, but I can't choose.", "I can\u2019t do that", "I would rather not say."]
    + ["As an AI, I do not feel pain, so this makes no sense.", "I cannot choose K"],
)
def test_declining_is_a_refusal(text: str) -> None:
    assert parse_answer(text, LETTERS).outcome == "refused"


def test_a_choice_with_an_apology_is_a_choice() -> None:
    assert parse_answer("K. I'm sorry that it is so short.", LETTERS) == ("choice", "K")


@pytest.mark.parametrize("text", ["Circle", "circle.", "CIRCLE", "Option circle"])
def test_words_may_be_written_in_any_case(text: str) -> None:
    assert parse_answer(text, WORDS) == ("choice", "circle")


@pytest.mark.parametrize(
    ("text", "label"), [("3", "3"), ("1.", "1"), ("I select 2", "2"), ("Number 2", "2")]
)
def test_digits_are_labels_of_the_replica(text: str, label: str) -> None:
    assert parse_answer(text, DIGITS) == ("choice", label)


@pytest.mark.parametrize("text", ["1.1 points", "10", "1, 2, 3", "2 points", "3-1"])
def test_a_digit_within_a_number_or_a_list_is_no_choice(text: str) -> None:
    assert parse_answer(text, DIGITS).outcome == "unparsed"
