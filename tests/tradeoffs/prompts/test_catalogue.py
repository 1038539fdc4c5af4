"""The texts are complete."""

import string

import pytest

from regard.tradeoffs.prompts.catalogue import CONTEXTS, FILES, WORDINGS, prompts_hash, texts
from regard.tradeoffs.states import ADDRESSEES, COMPREHENSION, STATES

FIELDS = {
    "opening": set(),
    "option": {"label", "points"},
    "brings": {"label", "who", "thing", "degree"},
    "past": {"label", "who", "thing", "degree"},
    "denied": {"label", "who", "noun", "thing", "degree"},
    "closing": {"first", "second"},
}


@pytest.mark.parametrize("name", WORDINGS)
def test_a_wording_uses_exactly_the_fields_that_its_sentences_need(name: str) -> None:
    wording = texts("wordings")[name]
    used = {
        key: {field for _, field, _, _ in string.Formatter().parse(text) if field}
        for key, text in wording.items()
    }
    assert used == FIELDS


def test_there_are_twelve_wordings_and_two_contexts() -> None:
    assert len(WORDINGS) >= 12
    assert CONTEXTS[0] == "bare"
    assert len(CONTEXTS) == 2


def test_every_state_question_and_addressee_has_its_words() -> None:
    things = set(texts("sentences")["things"])
    assert set(STATES) - things == {"none", "both", "past", "denied"}
    assert set(texts("questions")) == set(COMPREHENSION)
    assert tuple(texts("sentences")["who"]) == ADDRESSEES


def test_the_shuffled_scale_is_unrelated_to_the_plain_one() -> None:
    shuffled = texts("sentences")["steps"]["shuffled"]
    assert sorted(shuffled) == list(range(8))
    assert sum((place - 3.5) * (word - 3.5) for place, word in enumerate(shuffled)) == 0


def test_the_hash_covers_every_file() -> None:
    assert len(FILES) == 5
    assert len(prompts_hash()) == 64
