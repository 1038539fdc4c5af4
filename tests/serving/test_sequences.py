import pytest

from regard.serving.errors import InvalidRequestError
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams, StructuredOutput
from regard.serving.sequences import GRAMMAR, Sequences
from tests.serving.tiny import byte_tokenizer

TOKENIZER = byte_tokenizer()


def feed(params: SamplingParams, text: str | list[int]):
    """Push a text's tokens; all outputs."""
    sequences = Sequences(TOKENIZER)
    request = Request("r", TOKENIZER.encode("prompt"), params, 0.0)
    sequences.open(request)
    outputs = []
    for token in TOKENIZER.encode(text) if isinstance(text, str) else text:
        request.output_token_ids.append(token)
        outputs.append(sequences.push(request, token, None))
    return outputs


def test_characters_come_whole():
    outputs = feed(SamplingParams(max_tokens=50), "é🙂a")
    assert [o.text for o in outputs] == ["", "é", "", "", "", "🙂", "a"]
    assert outputs[-1].num_output_tokens == 7


def test_a_character_cut_off_by_the_limit_is_shown_as_broken():
    outputs = feed(SamplingParams(max_tokens=2), TOKENIZER.encode("a🙂")[:2])
    assert outputs[-1].finish_reason == "length"
    assert "".join(o.text for o in outputs) == "a\ufffd"


def test_a_stop_string_ends_and_is_not_shown():
    outputs = feed(SamplingParams(stop=("END",)), "word END")
    assert outputs[-1].finish_reason == "stop"
    assert outputs[-1].stop_reason == "END"
    assert "".join(o.text for o in outputs) == "word "


def test_a_finished_grammar_ends_its_request():
    params = SamplingParams(structured=StructuredOutput("regex", "ab?c"))
    outputs = feed(params, "abc")
    assert [o.finish_reason for o in outputs] == [None, None, "stop"]
    assert "".join(o.text for o in outputs) == "abc"


def test_a_token_outside_the_grammar_is_this_requests_error():
    params = SamplingParams(structured=StructuredOutput("regex", "abc"))
    last = feed(params, "x")[-1]
    assert (last.finish_reason, last.stop_reason) == ("error", GRAMMAR)
    assert "the grammar cannot go on" in last.error


def test_an_impossible_grammar_opens_nothing():
    sequences = Sequences(TOKENIZER)
    request = Request("r", [1], SamplingParams(structured=StructuredOutput("regex", "(")), 0.0)
    with pytest.raises(InvalidRequestError):
        sequences.open(request)
    assert sequences._open == {}
