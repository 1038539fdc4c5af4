import pytest

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
