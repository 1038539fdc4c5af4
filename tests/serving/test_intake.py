import pytest

from regard.serving.errors import ContextLengthError, InvalidRequestError
from regard.serving.intake import make_requests
from regard.serving.outputs import GenerationRequest
from regard.serving.sampling_params import SamplingParams


def made(prompt, *, context=100, adapter=None, **params):
    request = GenerationRequest("r", tuple(prompt), SamplingParams(**params))
    return make_requests(request, context, adapter)


def test_one_request_keeps_its_id_and_gets_the_rest_of_the_context():
    (request,) = made([1] * 30)
    assert (request.request_id, request.params.max_tokens) == ("r", 70)


def test_each_of_n_has_an_id_an_index_and_the_same_prompt():
    requests = made([1, 2], n=3)
    assert [r.request_id for r in requests] == ["r#0", "r#1", "r#2"]
    assert [r.index for r in requests] == [0, 1, 2]
    requests[0].output_token_ids.append(5)
    assert requests[1].token_ids == [1, 2]


def test_an_adapter_is_part_of_the_cache_key():
    assert made([1], adapter="a")[0].cache_salt == "a"
    assert made([1])[0].cache_salt == ""


def test_an_empty_prompt_is_refused():
    with pytest.raises(InvalidRequestError, match="prompt is empty"):
        made([])


@pytest.mark.parametrize(("length", "fits"), [(99, True), (100, False), (101, False)])
def test_a_prompt_must_leave_room_for_a_token(length, fits):
    if fits:
        assert made([1] * length)[0].params.max_tokens == 1
        return
    with pytest.raises(ContextLengthError, match=f"{length} tokens and the context holds 100"):
        made([1] * length)


def test_max_tokens_past_the_context_are_refused_with_what_would_fit():
    with pytest.raises(ContextLengthError, match="ask for at most 40") as caught:
        made([1] * 60, max_tokens=41)
    assert caught.value.code == "context_length_exceeded"
    assert made([1] * 60, max_tokens=40)[0].params.max_tokens == 40
