import math

import pytest
import torch

from regard.serving.adjustments import adjust, is_adjusted
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams

NEVER = -math.inf
LOGITS = [2.0, -1.0, 0.5, 4.0, 1.0]
EOS = frozenset({4, 77})


def adjusted(
    params: SamplingParams,
    *,
    prompt: tuple[int, ...] = (0,),
    outputs: tuple[int, ...] = (),
    mask: list[bool] | None = None,
) -> list[float]:
    """The middle row of three, whose neighbours must stay as they are."""
    plain = Request("p", [3], SamplingParams(), 0.0, output_token_ids=[1, 2])
    request = Request("r", list(prompt), params, 0.0, output_token_ids=list(outputs))
    logits = torch.tensor([LOGITS] * 3)
    masks = [None, None if mask is None else torch.tensor(mask), None]
    adjust(logits, [plain, request, plain], masks, EOS)
    assert logits[0].tolist() == logits[2].tolist() == LOGITS
    return logits[1].tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # Tokens 0 (prompt), 1 (twice in the output) and 3 (once).
        ({"repetition_penalty": 2.0}, [1.0, -2.0, 0.5, 2.0, 1.0]),
        ({"repetition_penalty": 0.5}, [4.0, -0.5, 0.5, 8.0, 1.0]),
        ({"presence_penalty": 1.5}, [2.0, -2.5, 0.5, 2.5, 1.0]),
        ({"frequency_penalty": 0.5}, [2.0, -2.0, 0.5, 3.5, 1.0]),
        ({"presence_penalty": -1.0, "frequency_penalty": 0.25}, [2.0, -0.5, 0.5, 4.75, 1.0]),
        # Division comes before subtraction.
        ({"repetition_penalty": 2.0, "presence_penalty": 1.0}, [1.0, -3.0, 0.5, 1.0, 1.0]),
        ({"logit_bias": ((2, 3.0), (0, -2.0))}, [0.0, -1.0, 3.5, 4.0, 1.0]),
        # Bias comes first: token 1 is positive by the time it is divided.
        (
            {"logit_bias": ((1, 3.0),), "repetition_penalty": 2.0},
            [1.0, 1.0, 0.5, 2.0, 1.0],
        ),
    ],
    ids=str,
)
def test_logits_are_those_worked_out_by_hand(options, expected):
    assert adjusted(SamplingParams(**options), outputs=(1, 3, 1)) == expected


def test_tokens_outside_the_vocabulary_are_ignored():
    params = SamplingParams(logit_bias=((99, 5.0), (-1, 5.0)))
    assert adjusted(params) == LOGITS


@pytest.mark.parametrize(("outputs", "forbidden"), [((), True), ((0,), True), ((0, 0), False)])
def test_no_end_comes_before_the_least_number_of_tokens(outputs, forbidden):
    params = SamplingParams(min_tokens=2, stop_token_ids=(1, 99))
    row = adjusted(params, outputs=outputs)
    assert (row[4] == NEVER, row[1] == NEVER) == (forbidden, forbidden)
    assert row[0] == LOGITS[0]


def test_a_mask_forbids_what_it_lacks_and_what_lies_beyond_it():
    row = adjusted(SamplingParams(), mask=[True, False, True])
    assert row == [2.0, NEVER, 0.5, NEVER, NEVER]


def test_a_grammar_that_only_allows_the_end_gets_it():
    """Forbidding the last token a grammar leaves would leave none."""
    params = SamplingParams(min_tokens=9)
    ended = adjusted(params, mask=[False, False, False, False, True])
    assert ended == [NEVER, NEVER, NEVER, NEVER, 1.0]
    going_on = adjusted(params, mask=[True, False, False, False, True])
    assert going_on == [2.0, NEVER, NEVER, NEVER, NEVER]


def test_plain_requests_are_not_adjusted():
    def of(**options):
        return is_adjusted(Request("r", [1], SamplingParams(**options), 0.0))

    assert not of(temperature=0.0, top_k=3, seed=1)
    assert of(repetition_penalty=1.1)
    assert of(presence_penalty=-0.1)
    assert of(frequency_penalty=0.1)
    assert of(min_tokens=1)
    assert of(logit_bias=((1, 1.0),))
