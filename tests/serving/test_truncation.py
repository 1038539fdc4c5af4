import math

import pytest
import torch

from regard.serving.sampling_params import SamplingParams
from regard.serving.truncation import least_kept, truncates

PROBABILITIES = [0.05, 0.4, 0.1, 0.3, 0.15]


def kept(options: dict, probabilities: list[float]) -> set[int]:
    logits = torch.tensor([probabilities]).log()
    bound = least_kept(logits, [SamplingParams(**options)])
    return set((logits[0] >= bound[0]).nonzero()[:, 0].tolist())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"top_k": 1}, {1}),
        ({"top_k": 3}, {1, 3, 4}),
        ({"top_k": 5}, {0, 1, 2, 3, 4}),
        ({"top_k": 99}, {0, 1, 2, 3, 4}),
        ({"top_p": 0.39}, {1}),
        ({"top_p": 0.41}, {1, 3}),
        ({"top_p": 0.69}, {1, 3}),
        ({"top_p": 0.71}, {1, 3, 4}),
        ({"top_p": 1e-9}, {1}),
        ({"top_p": 0.96}, {0, 1, 2, 3, 4}),
        # Among the three that top-k leaves, 0.4 and 0.3 have 0.82 of the mass.
        ({"top_k": 3, "top_p": 0.8}, {1, 3}),
        ({"top_k": 3, "top_p": 0.83}, {1, 3, 4}),
        ({"min_p": 0.7}, {1, 3}),
        ({"min_p": 1.0}, {1}),
        ({"min_p": 0.3, "top_k": 2}, {1, 3}),
    ],
    ids=str,
)
def test_the_kept_tokens_are_those_worked_out_by_hand(options, expected):
    assert kept(options, PROBABILITIES) == expected


def test_tokens_that_tie_at_the_bound_all_stay():
    assert kept({"top_k": 2}, [0.4, 0.2, 0.2, 0.2]) == {0, 1, 2, 3}


@pytest.mark.parametrize("spread", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("top_p", [0.1, 0.9, 0.999])
def test_top_p_of_a_wide_vocabulary_is_that_of_a_full_sort(spread, top_p):
    """Whether the likeliest 64 suffice, 1,024, or all must be sorted."""
    torch.manual_seed(0)
    logits = torch.randn(4, 5000) * spread + torch.linspace(0, 1e-3, 5000)
    bounds = least_kept(logits, [SamplingParams(top_p=top_p)] * 4)
    ordered = logits.double().sort(-1, descending=True).values
    sums = ordered.softmax(-1).cumsum(-1)
    expected = (sums < top_p).sum(-1) + 1
    found = (logits >= bounds[:, None]).sum(-1)
    assert (found - expected).abs().max() <= 2


def test_rows_are_bounded_each_by_its_own_limits():
    torch.manual_seed(3)
    logits = torch.randn(7, 3000)
    params = [
        SamplingParams(top_k=1),
        SamplingParams(top_p=0.5),
        SamplingParams(),
        SamplingParams(top_k=500, top_p=0.9),
        SamplingParams(min_p=0.1),
        SamplingParams(top_k=3000),
        SamplingParams(top_k=40, min_p=0.2),
    ]
    together = least_kept(logits, params)
    alone = torch.cat([least_kept(logits[i : i + 1], [p]) for i, p in enumerate(params)])
    assert torch.equal(together, alone)
    assert together[2] == together[5] == -math.inf


def test_only_parameters_that_can_drop_count():
    assert not truncates(SamplingParams(temperature=0.5))
    for options in ({"top_k": 1}, {"top_p": 0.9}, {"min_p": 0.1}):
        assert truncates(SamplingParams(**options))
