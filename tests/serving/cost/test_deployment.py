"""The parts of a step against sums by hand, and what must hold of any layout."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.cost.accelerators import shipped_accelerators
from regard.serving.cost.architectures import preset, preset_names
from regard.serving.cost.deployment import (
    Deployment,
    Sharding,
    stage_times,
    step,
    usd_per_million,
)
from regard.serving.cost.efficiency import NOMINAL, measured_efficiencies
from regard.serving.cost.errors import CostError

H100 = shipped_accelerators()["h100"]
PRESETS = st.sampled_from(preset_names())


def deployment(name: str = "step3", **changes) -> Deployment:
    base = Deployment(
        architecture=preset(name).architecture,
        attention_on=H100,
        ffn_on=H100,
        attention_servers=2,
        ffn_servers=2,
        sequences=128,
        microbatches=3,
        context=4096,
    )
    return replace(base, **changes)


def test_the_floors_of_2a2f_are_those_counted_by_hand() -> None:
    found, layers = stage_times(deployment(), NOMINAL), 61
    us = 1e6 / layers
    assert found.cache_reads * us == pytest.approx(128 * 4096 * 512 / 3.35e12 * 1e6)
    assert found.projections * us == pytest.approx(169_345_024 / 3.35e12 * 1e6)
    # 0.92 MB to each of two servers over a NIC of 50 GB/s; BF16 from each of them.
    assert found.wire_out * us == pytest.approx(2 * 128 * 7168 * (1 + 4 / 128) / 50e9 * 1e6)
    assert found.wire_back * us == pytest.approx(2 * 128 * 7168 * 2 / 50e9 * 1e6)
    assert found.gather * us == pytest.approx(2048 * 7168 * (1 + 4 / 128) * 7 / 8 / 450e9 * 1e6)
    experts = 56 * (48 * 3 * 7168 * 5120) / 16 / 3.35e12
    shared = 56 * 2 * 2048 * 3 * 7168 * 5120 / 16 / 1.978e15
    dense = 5 * 2 * 2048 * 3 * 7168 * 18432 / 16 / 1.978e15
    assert found.feed_forward == pytest.approx(experts + shared + dense)
    assert found.attention_binds == "memory bandwidth"


def test_170_sequences_in_three_micro_batches_are_the_memory_limit_of_80_gb() -> None:
    assert deployment(sequences=169).fits
    assert not deployment(sequences=175).fits
    assert deployment().attention_memory == pytest.approx(63.1e9, rel=0.01)
    assert deployment().ffn_memory == pytest.approx(304e9 / 16, rel=0.01)


def test_a_step_is_its_largest_bound_and_the_head() -> None:
    for count in (1, 2, 3, 4):
        layout = deployment(microbatches=count)
        found = step(layout, NOMINAL)
        stages = found.stages
        bounds = (
            count * stages.attention,
            count * stages.feed_forward,
            count * max(stages.wire_out, stages.wire_back),
            count * (stages.gather + stages.scatter),
            stages.trip,
        )
        assert found.seconds == pytest.approx(max(bounds) + count * stages.head)
        rate = 16 * 128 * count / found.seconds / 32
        assert found.tokens_per_second_per_gpu == pytest.approx(rate)


@given(PRESETS, st.integers(1, 200_000), st.integers(1, 200_000))
def test_a_longer_context_is_never_quicker(name: str, one: int, other: int) -> None:
    near, far = (
        step(deployment(name, context=context), NOMINAL).seconds for context in sorted((one, other))
    )
    assert near <= far * (1 + 1e-12)


@given(PRESETS, st.integers(1, 4), st.integers(0, 4), st.integers(1, 512), st.integers(1, 4))
def test_no_kernel_beats_the_roofline(
    name: str, attention: int, ffn: int, sequences: int, microbatches: int
) -> None:
    layout = deployment(
        name,
        attention_servers=attention,
        ffn_servers=ffn,
        sequences=sequences,
        microbatches=microbatches,
    )
    assert step(layout, NOMINAL).seconds <= step(layout, measured_efficiencies()).seconds


def test_colocated_halves_share_their_accelerators() -> None:
    layout = deployment(attention_servers=4, ffn_servers=0)
    found = step(layout, NOMINAL)
    assert (layout.gpus, layout.topology) == (32, "4 colocated")
    assert found.seconds >= 3 * (found.stages.attention + found.stages.feed_forward)


def test_one_server_needs_no_network() -> None:
    one = stage_times(deployment(attention_servers=1, ffn_servers=0), NOMINAL)
    assert one.wire_out < stage_times(deployment(), NOMINAL).wire_out / 5


def test_whole_experts_are_sent_to_by_copies_and_not_gathered() -> None:
    found = stage_times(deployment(sharding=Sharding.EXPERT), NOMINAL)
    assert found.gather == found.scatter == 0
    # Three routed experts and the shared one, against two servers.
    assert found.wire_out == pytest.approx(2 * stage_times(deployment(), NOMINAL).wire_out)


def test_dollars_count_every_accelerator() -> None:
    layout = deployment()
    usd = usd_per_million(layout, 4039)
    assert usd == pytest.approx(32 * H100.usd_per_hour / 3600 / (32 * 4039) * 1e6)
    unpriced = replace(H100, usd_per_hour=None)
    assert usd_per_million(deployment(ffn_on=unpriced), 4039) is None


@pytest.mark.parametrize(
    "changes", [{"attention_servers": 0}, {"sequences": 0}, {"ffn_servers": -1}]
)
def test_an_impossible_layout_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises(CostError, match="give at least 1"):
        deployment(**changes)


def test_a_dense_model_has_no_experts_to_spread() -> None:
    with pytest.raises(CostError, match="no experts"):
        deployment("qwen3-32b", sharding=Sharding.EXPERT)
