"""What must hold of any layout."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.cost.architectures import preset_names
from regard.serving.cost.efficiency import NOMINAL, measured_efficiencies
from regard.serving.cost.step import step, usd_per_million
from tests.serving.cost.deployments import H100, deployment

PRESETS = st.sampled_from(preset_names())


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


def test_dollars_count_every_accelerator() -> None:
    layout = deployment()
    usd = usd_per_million(layout, 4039)
    assert usd == pytest.approx(32 * H100.usd_per_hour / 3600 / (32 * 4039) * 1e6)
    unpriced = replace(H100, usd_per_hour=None)
    assert usd_per_million(deployment(ffn_on=unpriced), 4039) is None
