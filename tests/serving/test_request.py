import pytest

from regard.serving.prompt_image import PromptImage
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams


@pytest.mark.parametrize("start", range(6))
@pytest.mark.parametrize("end", range(6))
def test_a_run_of_tokens_is_that_of_prompt_and_output(start, end):
    request = Request("r", [1, 2, 3], SamplingParams(), 0.0, output_token_ids=[4, 5])
    assert request.token_ids == [1, 2, 3, 4, 5]
    if start <= end:
        assert request.tokens(start, end) == [1, 2, 3, 4, 5][start:end]


def test_a_decoding_request_has_one_pending_token():
    request = Request("r", [1, 2, 3], SamplingParams(), 0.0)
    assert request.num_pending_tokens == 3
    request.num_computed_tokens = 3
    request.output_token_ids.append(4)
    assert (request.num_tokens, request.num_pending_tokens) == (4, 1)


def test_a_block_is_told_apart_by_the_pictures_that_reach_into_it():
    first, second = PromptImage(b"a", 2, 3), PromptImage(b"b", 6, 2)
    request = Request("r", [0] * 12, SamplingParams(), 0.0, cache_salt="x", images=(first, second))
    assert request.block_salt(0, 2) == request.block_salt(5, 6) == request.block_salt(8, 12)
    assert request.block_salt(0, 3) == request.block_salt(4, 6) == f"x:{first.digest}"
    assert request.block_salt(4, 7) == f"x:{first.digest}:{second.digest}"
