import math

import pytest
import torch

from regard.serving.request import Request
from regard.serving.sampling import Sampler, argmax, draw, logprobs_of, seeded_uniform, weigh
from regard.serving.sampling_params import SamplingParams

# 1% points of chi-square: a right sampler fails one run in a hundred, and the seeds are fixed.
CHI_SQUARE_1_PERCENT = {1: 6.63, 2: 9.21, 3: 11.34, 4: 13.28, 5: 15.09}
LOGITS = [2.0, 1.0, 0.5, 0.0, -1.0, -2.0]


def request(params: SamplingParams, *, outputs: tuple[int, ...] = (), index: int = 0) -> Request:
    return Request("r", [0, 1], params, 0.0, index=index, output_token_ids=list(outputs))


def sampler(seed: int = 0) -> Sampler:
    return Sampler(seed=seed, eos_token_ids=frozenset({5}))


def chi_square(counts: torch.Tensor, expected: torch.Tensor) -> float:
    expected = expected * counts.sum()
    kept = expected > 0
    assert counts[~kept].sum() == 0
    return float(((counts[kept] - expected[kept]) ** 2 / expected[kept]).sum())


def sample_many(params: SamplingParams, num: int = 20_000) -> torch.Tensor:
    """How often each token came."""
    logits = torch.tensor(LOGITS).expand(num, -1)
    result = sampler().sample(logits, [request(params)] * num, [None] * num)
    return torch.bincount(torch.tensor(result.token_ids), minlength=len(LOGITS)).double()


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, 6),
        ({"temperature": 0.5}, 6),
        ({"temperature": 2.0}, 6),
        ({"top_k": 3}, 3),
        # Probabilities at temperature 1: 0.57, 0.21, 0.13, 0.08, 0.03, 0.01.
        ({"top_p": 0.6}, 2),
        ({"top_p": 0.5}, 1),
        ({"min_p": 0.2}, 3),
        ({"top_k": 4, "top_p": 0.9}, 3),
        ({"top_p": 0.95, "min_p": 0.3}, 2),
    ],
    ids=str,
)
def test_draws_follow_the_distribution(options, kept):
    counts = sample_many(SamplingParams(**options))
    logits = torch.tensor(LOGITS, dtype=torch.float64) / options.get("temperature", 1.0)
    logits[kept:] = -math.inf
    degrees = kept - 1
    assert chi_square(counts, logits.softmax(-1)) < CHI_SQUARE_1_PERCENT.get(degrees, 1e-9)


def test_seeded_draws_over_places_follow_the_distribution():
    """The hash of seed and place is as good as a stream of random numbers."""
    num = 20_000
    requests = [
        request(SamplingParams(seed=7), outputs=(0,) * place) for place in range(0, 400, 4)
    ] + [request(SamplingParams(seed=seed)) for seed in range(num - 100)]
    logits = torch.tensor(LOGITS).expand(num, -1)
    token_ids = sampler().sample(logits, requests, [None] * num).token_ids
    counts = torch.bincount(torch.tensor(token_ids), minlength=len(LOGITS)).double()
    expected = torch.tensor(LOGITS, dtype=torch.float64).softmax(-1)
    assert chi_square(counts, expected) < CHI_SQUARE_1_PERCENT[5]


@pytest.mark.parametrize("options", [{}, {"top_k": 5, "top_p": 0.7}, {"top_p": 0.9}], ids=str)
def test_a_seeded_draw_depends_on_nothing_else_in_the_batch(options):
    torch.manual_seed(0)
    logits = torch.randn(9, 700) * 2
    seeded = request(SamplingParams(seed=11, **options), outputs=(3, 4))
    alone = sampler(0).sample(logits[4:5], [seeded], [None]).token_ids[0]
    others = [
        request(SamplingParams(temperature=0.0)),
        request(SamplingParams(top_k=300)),
        request(SamplingParams(top_p=0.99, temperature=3.0)),
        request(SamplingParams(seed=11, frequency_penalty=1.0)),
    ]
    batch = [*others, seeded, *others]
    among = sampler(99).sample(logits, batch, [None] * 9).token_ids[4]
    assert among == alone


def test_seeds_places_and_sequences_draw_differently():
    base = seeded_uniform(1, 0, 0)
    others = [seeded_uniform(2, 0, 0), seeded_uniform(1, 1, 0), seeded_uniform(1, 0, 1)]
    assert 0.0 <= base < 1.0
    assert len({base, *others}) == 4
    assert seeded_uniform(1, 0, 0) == base


def test_the_engines_seed_fixes_unseeded_draws():
    logits = torch.zeros(32, 500)
    batch = [request(SamplingParams())] * 32
    first, again, other = (sampler(s).sample(logits, batch, [None] * 32) for s in (4, 4, 5))
    assert first == again
    assert first != other


def test_greedy_rows_take_the_likeliest_beside_drawn_ones():
    torch.manual_seed(1)
    logits = torch.randn(6, 1000)
    batch = [request(SamplingParams(temperature=0.0 if i % 2 else 1.0)) for i in range(6)]
    token_ids = sampler().sample(logits, batch, [None] * 6).token_ids
    assert token_ids[1::2] == logits[1::2].argmax(-1).tolist()


@pytest.mark.parametrize("vocab", [1, 5, 256, 257, 1024, 1500])
def test_the_first_of_equal_greatest_is_taken(vocab):
    torch.manual_seed(vocab)
    logits = torch.randint(0, 4, (40, vocab)).float()
    assert argmax(logits).tolist() == logits.argmax(-1).tolist()
    assert argmax(-logits - 1e30).tolist() == (-logits - 1e30).argmax(-1).tolist()


@pytest.mark.parametrize("vocab", [3, 256, 300, 1024])
def test_a_draw_is_the_inverse_of_the_running_sum(vocab):
    torch.manual_seed(vocab)
    weights = torch.rand(200, vocab) * (torch.rand(200, vocab) < 0.3)
    weights[:, 1] += 1e-3
    uniforms = torch.rand(200, dtype=torch.float64)
    chosen = draw(weights, uniforms)
    sums = weights.double().cumsum(-1)
    after = sums.gather(1, chosen[:, None])[:, 0]
    before = after - weights.double().gather(1, chosen[:, None])[:, 0]
    target = uniforms * sums[:, -1]
    slack = 1e-6 * sums[:, -1]
    assert (before - slack <= target).all()
    assert (target <= after + slack).all()


@pytest.mark.parametrize("uniform", [0.0, 0.5, 1.0 - 2.0**-53, 1.0])
@pytest.mark.parametrize("only", [0, 255, 256, 599])
def test_a_token_of_weight_zero_is_never_drawn(uniform, only):
    weights = torch.zeros(1, 600)
    weights[0, only] = 1e-30
    assert draw(weights, torch.tensor([uniform], dtype=torch.float64)).item() == only


def test_the_least_temperature_is_greedy_and_finite():
    logits = torch.tensor([[300.0, -200.0, 299.0]])
    params = SamplingParams(temperature=1e-45)
    assert weigh(logits, [params]).tolist() == [[1.0, 0.0, 0.0]]


def test_masked_tokens_are_never_chosen():
    logits = torch.tensor([[5.0, 4.0, 3.0, 0.0]] * 200)
    mask = torch.tensor([False, False, True])
    for temperature in (0.0, 5.0):
        batch = [request(SamplingParams(temperature=temperature))] * 200
        assert set(sampler().sample(logits, batch, [mask] * 200).token_ids) == {2}


def test_logprobs_are_those_of_the_raw_logits():
    torch.manual_seed(2)
    logits = torch.randn(3, 50)
    before = logits.clone()
    params = SamplingParams(logprobs=4, temperature=0.3, logit_bias=((7, 100.0),), top_k=1)
    batch = [
        request(params),
        request(SamplingParams(temperature=0.0)),
        request(SamplingParams(logprobs=0)),
    ]
    first, second, third = sampler().sample(logits, batch, [None] * 3).logprobs
    expected = before.log_softmax(-1)
    assert torch.equal(logits, before)
    assert first.token_id == 7
    assert first.logprob == pytest.approx(expected[0, 7].item(), abs=1e-6)
    values, ids = expected[0].topk(4)
    assert [token_id for token_id, _ in first.top] == ids.tolist()
    assert [value for _, value in first.top] == pytest.approx(values.tolist(), abs=1e-6)
    assert second is None
    assert third.top == ()
    assert third.logprob == pytest.approx(expected[2, third.token_id].item(), abs=1e-6)


def test_more_logprobs_than_tokens_are_all_tokens():
    (found,) = logprobs_of(torch.zeros(1, 3), [request(SamplingParams(logprobs=20))], [1])
    assert len(found.top) == 3
    assert found.logprob == pytest.approx(math.log(1 / 3))
