import random

import pytest

from regard.serving.sampling_params import SamplingParams
from regard.serving.stopping import StopChecker

EOS = 9


def run(
    pieces: list[str], params: SamplingParams, *, last_id: int = 0
) -> tuple[str, list[str], str | None, str | int | None]:
    """Push pieces as tokens 0 (the last one `last_id`); text, its pieces, and why it ended."""
    checker = StopChecker(params, frozenset({EOS}))
    shown = []
    for number, piece in enumerate(pieces, start=1):
        token_id = last_id if number == len(pieces) else 0
        text, reason, stop = checker.push(token_id, piece)
        shown.append(text)
        if reason is not None:
            return "".join(shown), shown, reason, stop
    return "".join(shown) + checker.flush(), shown, None, None


@pytest.mark.parametrize(
    ("pieces", "stops", "expected"),
    [
        (["ab", "c STO", "P de"], ("STOP",), ("abc ", "stop", "STOP")),
        (["a", "b", "a", "b", "c"], ("abc",), ("ab", "stop", "abc")),
        (["aaab"], ("ab",), ("aa", "stop", "ab")),
        (["x\n", "\ny"], ("\n\n",), ("x", "stop", "\n\n")),
        (["one ST", "ART"], ("STOP",), ("one START", None, None)),
        # Two in one piece: the one complete first; of equal ends the longest.
        (["abcdef"], ("def", "bc"), ("a", "stop", "bc")),
        (["abcd"], ("abcd", "bc"), ("a", "stop", "bc")),
        (["xabc"], ("bc", "abc"), ("x", "stop", "abc")),
    ],
)
def test_text_ends_before_the_stop_string(pieces, stops, expected):
    text, _, reason, stop = run(pieces, SamplingParams(stop=stops))
    assert (text, reason, stop) == expected


def test_what_may_begin_a_stop_string_is_held_back_and_no_more():
    _, shown, _, _ = run(["ab", "cS", "T", "x", "y"], SamplingParams(stop=("STOP", "cSTAY")))
    assert shown == ["ab", "", "", "cSTx", "y"]


def test_no_cut_of_the_text_into_tokens_changes_the_answer():
    """Over random texts of few letters, with overlapping stop strings."""
    rng = random.Random(0)
    for _ in range(400):
        text = "".join(rng.choices("abc", k=rng.randint(1, 14)))
        stops = tuple({"".join(rng.choices("abc", k=rng.randint(1, 4))) for _ in range(3)})
        params = SamplingParams(stop=stops)
        pieces, rest = [], text
        while rest:
            size = rng.randint(1, 5)
            pieces.append(rest[:size])
            rest = rest[size:]
        by_tokens = run(pieces, params)
        by_letters = run(list(text), params)
        assert (by_tokens[0], by_tokens[2:]) == (by_letters[0], by_letters[2:]), (pieces, stops)
        assert text.startswith(by_tokens[0])
        assert not any(stop in by_tokens[0] for stop in stops)


def test_the_stop_string_is_kept_where_asked():
    params = SamplingParams(stop=("STOP",), include_stop_in_output=True)
    assert run(["a S", "TOP b"], params)[0] == "a STOP"


def test_held_text_comes_out_at_every_kind_of_end():
    params = SamplingParams(stop=("STOP",), stop_token_ids=(5,), max_tokens=2)
    assert run(["a", " ST"], params)[:1] == ("a ST",)
    assert run(["a", " ST"], params)[2] == "length"
    held = SamplingParams(stop=("STOP",), stop_token_ids=(5,))
    assert run(["a ST", ""], held, last_id=EOS) == ("a ST", ["a ", "ST"], "stop", None)
    assert run(["a ST", "!"], held, last_id=5) == ("a ST", ["a ", "ST"], "stop", 5)


@pytest.mark.parametrize(("include", "text"), [(False, "a"), (True, "a!")])
def test_the_text_of_a_stop_token_is_shown_only_where_asked(include, text):
    params = SamplingParams(stop_token_ids=(5,), include_stop_in_output=include)
    assert run(["a", "!"], params, last_id=5)[0] == text


def test_the_end_of_text_can_be_ignored():
    assert run(["a", "b"], SamplingParams(ignore_eos=True), last_id=EOS)[2] is None
    assert run(["a", "b"], SamplingParams(), last_id=EOS)[2:] == ("stop", None)
    both = SamplingParams(ignore_eos=True, stop_token_ids=(EOS,))
    assert run(["a", "b"], both, last_id=EOS)[2:] == ("stop", EOS)


@pytest.mark.parametrize(("min_tokens", "reason"), [(0, "stop"), (3, "stop"), (4, None)])
def test_nothing_stops_before_the_least_number_of_tokens(min_tokens, reason):
    params = SamplingParams(min_tokens=min_tokens, stop=("c",), stop_token_ids=(5,))
    assert run(["a", "b", "c"], params)[2] == reason
    assert run(["a", "b", "x"], params, last_id=5)[2] == reason
    assert run(["a", "b", ""], params, last_id=EOS)[2] == reason


def test_a_stop_string_beats_the_last_token_s_length():
    assert run(["a", "STOP"], SamplingParams(stop=("STOP",), max_tokens=2))[2] == "stop"
