import numpy as np

from regard.serving.afd.simulation.config import Straggler
from regard.serving.afd.simulation.durations import AttentionDurations, FfnDurations, nanoseconds
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime
from tests.serving.afd.simulation.configs import small_config


def test_times_are_whole_nanoseconds() -> None:
    assert nanoseconds(1.2346).item() == 1235
    assert nanoseconds([0.0004, 2]).tolist() == [0, 2000]


def test_a_step_has_a_time_for_each_layer_and_micro_batch() -> None:
    config = small_config(
        attention=StageTime(((0, 10.0),), layer_factors=(1.0, 3.0)),
        stragglers=(Straggler("attention", 0, 2.0),),
    )
    step = AttentionDurations(config, 0).next_step()
    assert step.compute_ns.tolist() == [20_000, 20_000, 60_000, 60_000]
    assert step.delay_ns.tolist() == [3000] * 4
    assert step.other_ns == 10_000


def test_a_constant_delay_has_no_noise() -> None:
    config = small_config(link_out=LinkTime(0.0, sigma=0.5, constant_us=7.0))
    assert AttentionDurations(config, 0).next_step().delay_ns.tolist() == [7000] * 4
    config = small_config(link_back=LinkTime(2.0, constant_us=7.0))
    assert FfnDurations(config, 0).next_batches(4, np.array([0]))[1].tolist() == [9000]


def test_a_batch_takes_as_long_as_all_its_rows_do() -> None:
    config = small_config(ffn=StageTime.linear(5, 1), stragglers=(Straggler("ffn", 0, 2.0),))
    compute, delay = FfnDurations(config, 0).next_batches(12, np.array([0, 1]))
    assert compute.tolist() == [34_000, 34_000]
    assert delay.tolist() == [2000, 2000]


def test_steps_differ_where_there_is_noise_and_repeat_for_a_seed() -> None:
    config = small_config(attention=StageTime.constant(10, 0.2), link_out=LinkTime(3, sigma=0.5))
    first, second = AttentionDurations(config, 0), AttentionDurations(config, 0)
    step = first.next_step()
    assert np.array_equal(step.compute_ns, second.next_step().compute_ns)
    assert not np.array_equal(step.compute_ns, first.next_step().compute_ns)
    assert len(set(step.delay_ns.tolist())) > 1
