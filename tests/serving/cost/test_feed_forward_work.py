import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.cost.architectures import preset, preset_names
from regard.serving.cost.feed_forward_work import FeedForwardWork, feed_forward_work


@pytest.mark.parametrize("name", preset_names())
def test_the_parts_are_the_whole(name: str) -> None:
    model = preset(name).architecture
    work = feed_forward_work(model)
    flops = sum(each.flops_per_token for each in work)
    assert flops == pytest.approx(model.ffn_flops().value, rel=1e-9)
    router = model.moe.experts * model.hidden * model.moe.layers if model.moe else 0
    held = sum(each.held_parameters(1, is_whole=False) for each in work)
    assert held + router == pytest.approx(sum(e.parameters() for e in model.feed_forward))


@given(st.integers(1, 4096), st.integers(1, 64))
def test_split_work_adds_up_over_accelerators(tokens: int, gpus: int) -> None:
    experts = FeedForwardWork(parameters=1000, count=48, active=3)
    load = experts.load(tokens, gpus, is_whole=False)
    assert load.flops * gpus == pytest.approx(experts.flops_per_token * tokens)
    assert load.parameters * gpus <= 48_000 * (1 + 1e-9)


def test_few_tokens_read_few_experts() -> None:
    experts = FeedForwardWork(parameters=1000, count=48, active=3)
    assert experts.load(1, 1, is_whole=False).parameters == pytest.approx(3000)
    assert experts.load(10_000, 1, is_whole=False).parameters == pytest.approx(48_000)


def test_the_busiest_holder_of_whole_experts_has_more_than_the_mean() -> None:
    experts = FeedForwardWork(parameters=1000, count=48, active=3)
    split = experts.load(2048, 16, is_whole=False)
    whole = experts.load(2048, 16, is_whole=True)
    assert whole.parameters == split.parameters
    assert 1.05 < whole.flops / split.flops < 1.3


def test_experts_beyond_their_number_help_no_accelerator() -> None:
    experts = FeedForwardWork(parameters=1000, count=8, active=2)
    at_8, at_64 = (experts.load(512, gpus, is_whole=True) for gpus in (8, 64))
    assert at_64 == at_8
    shared = FeedForwardWork(parameters=1000, count=1, active=1)
    assert shared.load(512, 64, is_whole=True).parameters == 1000
    assert shared.load(512, 64, is_whole=True).flops == 2 * 1000 * 8
