import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.events import simulate_events
from regard.serving.afd.simulation.lock_step import simulate_lock_step
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime
from regard.serving.afd.simulation.timeline import Timeline
from tests.serving.afd.simulation.configs import configs, small_config

LAYERS = 61


def _step_us(timeline: Timeline) -> list[float]:
    return ((timeline.step_end_ns - timeline.step_start_ns) / 1000).ravel().tolist()


@given(configs(lock_step=True))
@settings(max_examples=150, deadline=None)
def test_the_recurrence_equals_the_schedule_played_message_by_message(
    config: SimulationConfig,
) -> None:
    assert simulate_lock_step(config) == simulate_events(config)


@given(configs(lock_step=True, noise=3.0))
@settings(max_examples=50, deadline=None)
def test_they_agree_where_messages_would_overtake_one_another(config: SimulationConfig) -> None:
    assert simulate_lock_step(config) == simulate_events(config)


def _cluster(microbatches: int, attention: float, ffn: float, link: float) -> SimulationConfig:
    return small_config(
        num_attention=2,
        num_ffn=2,
        num_layers=LAYERS,
        num_microbatches=microbatches,
        attention=StageTime.constant(attention),
        ffn=StageTime.constant(ffn),
        link_out=LinkTime(link),
        link_back=LinkTime(link),
        other=StageTime.constant(0),
        num_steps=3,
        lock_step=True,
    )


def test_one_micro_batch_takes_its_whole_trip_in_every_layer() -> None:
    timeline = simulate_lock_step(_cluster(1, 240, 200, 90))
    assert _step_us(timeline) == [LAYERS * (240 + 200 + 2 * 90)] * 6


@pytest.mark.parametrize("attention", [240, 300])
def test_three_micro_batches_take_the_slowest_stage_and_the_drain(attention: float) -> None:
    # A trip of 240 + 2 x 90 besides attention fits into the two other micro-batches' attention.
    timeline = simulate_lock_step(_cluster(3, attention, 240, 90))
    drain = 90 + 240 + 90
    assert _step_us(timeline) == [LAYERS * 3 * attention + drain] * 6


def test_a_slow_ffn_side_sets_the_pace() -> None:
    timeline = simulate_lock_step(_cluster(3, 100, 240, 50))
    fill = 100 + 50 + 50
    assert _step_us(timeline) == [LAYERS * 3 * 240 + fill] * 6


def test_a_trip_longer_than_the_work_leaves_gaps() -> None:
    timeline = simulate_lock_step(_cluster(2, 100, 100, 200))
    trip = 100 + 200 + 100 + 200
    assert _step_us(timeline) == [LAYERS * trip + 100] * 6


@given(configs(lock_step=True))
@settings(max_examples=60, deadline=None)
def test_no_step_is_shorter_than_the_work_of_any_worker(config: SimulationConfig) -> None:
    timeline = simulate_lock_step(config)
    lasted = timeline.step_end_ns[-1] - timeline.step_start_ns[0]
    assert (lasted >= timeline.attention_busy_ns).all()
    assert timeline.step_end_ns.max() >= timeline.ffn_busy_ns.max()


@given(configs(lock_step=True), st.sampled_from(["attention", "ffn", "other"]), st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_a_slower_stage_never_makes_a_step_end_earlier(
    config: SimulationConfig, name: str, more: int
) -> None:
    time = getattr(config, name)
    points = tuple((rows, value + more) for rows, value in time.points)
    slower = replace(config, **{name: replace(time, points=points)})
    before, after = simulate_lock_step(config), simulate_lock_step(slower)
    assert (after.step_end_ns >= before.step_end_ns).all()


@given(configs(lock_step=True), st.sampled_from(["link_out", "link_back"]), st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_a_slower_link_never_makes_a_step_end_earlier(
    config: SimulationConfig, name: str, more: int
) -> None:
    link = getattr(config, name)
    for slower in (
        replace(link, delay_us=link.delay_us + more),
        replace(link, us_per_row=link.us_per_row + more),
    ):
        after = simulate_lock_step(replace(config, **{name: slower}))
        assert (after.step_end_ns >= simulate_lock_step(config).step_end_ns).all()


def test_a_thousand_instances_of_each_kind_take_seconds() -> None:
    config = replace(
        _cluster(3, 240, 240, 90),
        num_attention=1000,
        num_ffn=1000,
        attention=StageTime.constant(240, 0.05),
        ffn=StageTime.constant(240, 0.05),
        num_steps=5,
    )
    started = time.perf_counter()
    timeline = simulate_lock_step(config)
    assert time.perf_counter() - started < 60
    assert timeline.step_end_ns.shape == (5, 1000)
    # Everybody waits for the slowest of a thousand: more than the median stage, three a layer.
    assert np.median(_step_us(timeline)) > LAYERS * 3 * 240


def test_a_schedule_without_lock_step_is_refused() -> None:
    with pytest.raises(ValueError, match="lock-step"):
        simulate_lock_step(small_config())


def test_progress_is_told_of_each_step() -> None:
    told: list[float] = []
    simulate_lock_step(small_config(lock_step=True, num_steps=4), told.append)
    assert told == [1, 1, 1, 1]
