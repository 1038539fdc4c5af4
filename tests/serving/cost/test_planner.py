from dataclasses import replace

import pytest

from regard.serving.cost.accelerators import shipped_accelerators
from regard.serving.cost.architectures import preset
from regard.serving.cost.efficiency import NOMINAL, measured_efficiencies
from regard.serving.cost.errors import CostError
from regard.serving.cost.planner import Goal, pareto, plan
from regard.serving.cost.step import step

H100, H200 = (shipped_accelerators()[name] for name in ("h100", "h200"))


def goal(name: str = "step3", **changes) -> Goal:
    base = Goal(
        architecture=preset(name).architecture,
        context=4096,
        tpot_seconds=0.05,
        attention_on=H100,
        ffn_on=H100,
        gpus=32,
    )
    return replace(base, **changes)


def test_every_plan_keeps_the_time_the_memory_and_the_number() -> None:
    for found in plan(goal()):
        assert found.measured.seconds <= 0.05
        assert found.deployment.fits
        assert found.deployment.gpus == 32
        assert found.measured.seconds >= found.roofline.seconds


def test_the_best_comes_first_and_each_topology_once() -> None:
    found = plan(goal(gpus=None))
    rates = [each.measured.tokens_per_second_per_gpu for each in found]
    assert rates == sorted(rates, reverse=True)
    names = [each.deployment.topology for each in found]
    assert len(names) == len(set(names)) > 10


def test_one_sequence_more_breaks_the_limit_that_is_named() -> None:
    for found in plan(goal()):
        more = found.deployment.with_sequences(found.deployment.sequences + 1)
        if found.limit == "memory":
            assert not more.fits
        else:
            assert step(more, measured_efficiencies()).seconds > 0.05


def test_neither_layout_wins_everywhere() -> None:
    """Network and whole servers counted, AFD can lose to one pool of accelerators, and win."""

    def best(**changes) -> str:
        return plan(goal(**changes))[0].deployment.topology

    assert best() == "2A2F"
    assert "colocated" in best(gpus=8, architecture=preset("qwen3-32b").architecture)
    assert "colocated" in best(gpus=None)


def test_a_slower_network_never_helps() -> None:
    slow = replace(H100, network_bytes_per_second=H100.network_bytes_per_second / 4)
    fast, slowed = (
        plan(goal(attention_on=on, ffn_on=on))[0].measured.tokens_per_second_per_gpu
        for on in (H100, slow)
    )
    assert slowed < fast


def test_more_memory_and_bandwidth_never_hurt() -> None:
    on_h100, on_h200 = (
        plan(goal(attention_on=on, ffn_on=on))[0].measured.tokens_per_second_per_gpu
        for on in (H100, H200)
    )
    assert on_h200 > on_h100


def test_a_curve_rises_with_the_time_allowed() -> None:
    found = pareto(goal(), [0.001, 0.03, 0.05, 0.1], NOMINAL)
    rates = [each.measured.tokens_per_second_per_gpu for each in found]
    assert len(rates) == 3
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"gpus": 12}, "no whole number of servers of 8"),
        ({"tpot_seconds": 0.001}, "the quickest takes"),
        ({"gpus": 8, "architecture": preset("kimi-k2").architecture}, "does not fit"),
        ({"tpot_seconds": -1.0}, "--tpot-ms"),
        ({"context": 0}, "--context"),
        ({"gpus": -8}, "--gpus"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(changes: dict, told: str) -> None:
    with pytest.raises(CostError, match=told):
        plan(goal(**changes))
