import random

import numpy as np
import pytest

from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.events import simulate_events
from regard.serving.afd.simulation.fit import (
    Sample,
    config_from_trace,
    ffn_samples,
    fit_link_time,
    fit_stage_time,
)
from regard.serving.afd.simulation.prediction import predict
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime
from regard.serving.afd.trace import NO_LAYER, NO_MICROBATCH, Span, TraceError
from regard.serving.afd.trace_file import Trace, TraceInfo
from tests.serving.afd.simulation.configs import small_config


def _samples(*, seed: int = 0) -> list[Sample]:
    """100 us and 2 us a row, layer 1 twice as slow, every tenth sample ten times too long."""
    generator = random.Random(seed)
    return [
        Sample(rows, layer, (100 + 2 * rows) * (1 + layer) * (10 if i % 10 == 0 else 1) * noise)
        for rows in (4, 8, 16)
        for layer in (0, 1)
        for i in range(60)
        for noise in [generator.uniform(0.95, 1.05)]
    ]


def test_outliers_move_neither_medians_nor_layers() -> None:
    time = fit_stage_time(_samples())
    for rows in (4, 8, 16, 32):
        for layer in (0, 1):
            fitted = time.median_us(rows) * time.layer_factor(layer)
            assert fitted == pytest.approx((100 + 2 * rows) * (1 + layer), rel=0.05)


def test_layers_that_saw_other_row_counts_are_told_apart() -> None:
    seen = {0: (4, 8), 1: (8, 16), 2: (4, 16)}
    samples = [
        Sample(rows, layer, (100 + 2 * rows) * (1 + layer))
        for layer, counts in seen.items()
        for rows in counts
    ]
    time = fit_stage_time(samples * 10)
    for layer in seen:
        for rows in (4, 8, 16):
            fitted = time.median_us(rows) * time.layer_factor(layer)
            assert fitted == pytest.approx((100 + 2 * rows) * (1 + layer), rel=0.1)


def test_the_noise_has_the_measured_share_of_outliers() -> None:
    ratios = np.array(fit_stage_time(_samples()).ratios)
    assert np.mean(ratios > 5) == pytest.approx(0.1, abs=0.02)
    assert np.median(ratios) == pytest.approx(1, abs=0.03)


def test_rare_row_counts_are_left_out_unless_all_are_rare() -> None:
    rare = Sample(1000, 0, 1e6)
    assert 1000 not in dict(fit_stage_time([*_samples(), rare]).points)
    assert fit_stage_time([rare]).points == ((1000, 1e6),)


def test_noise_does_not_make_more_rows_quicker() -> None:
    samples = [Sample(4, 0, 100.0)] * 5 + [Sample(8, 0, 90.0)] * 5
    assert fit_stage_time(samples).points == ((4, 100), (8, 100))


def test_nothing_cannot_be_fitted() -> None:
    with pytest.raises(ValueError, match="no sample"):
        fit_stage_time([])


def test_a_link_has_its_median_delay() -> None:
    link = fit_link_time([Sample(4, 3, 90.0), Sample(4, 0, 100.0), Sample(4, 1, 400.0)])
    assert link.delay_us == 100
    assert max(link.ratios) > 3


def test_messages_computed_together_are_one_sample() -> None:
    spans = [
        Span("ffn0", "feed_forward", 0, 1, 0, 4, 1000, 3000, f"attention{i}") for i in range(3)
    ]
    assert ffn_samples(spans) == {"ffn0": [Sample(12, 1, 2.0)]}


def _traced(config: SimulationConfig) -> Trace:
    spans: list[Span] = []
    simulate_events(config, spans)
    info = TraceInfo(
        source="run",
        num_attention=config.num_attention,
        num_ffn=config.num_ffn,
        num_layers=config.num_layers,
        num_microbatches=config.num_microbatches,
    )
    return Trace(info, spans)


def test_what_was_simulated_is_found_again() -> None:
    config = small_config(
        num_attention=2,
        attention=StageTime.linear(80, 5),
        ffn=StageTime(((0, 60.0),), layer_factors=(1.0, 3.0)),
        link_out=LinkTime(30),
        link_back=LinkTime(20),
        attention_send=StageTime.constant(4),
        ffn_send=StageTime.constant(3),
        num_steps=6,
        lock_step=True,
    )
    fitted = config_from_trace(_traced(config))
    assert fitted.attention.median_us(4) == pytest.approx(100)
    ffn = [fitted.ffn.median_us(8) * fitted.ffn.layer_factor(layer) for layer in (0, 1)]
    assert ffn == pytest.approx([60, 180])
    assert fitted.link_out.delay_us == pytest.approx(30)
    assert fitted.link_back.delay_us == pytest.approx(20)
    assert fitted.attention_send.median_us(4) == pytest.approx(4)
    assert fitted.ffn_send.median_us(4) == pytest.approx(3)
    assert fitted.other.median_us(8) == pytest.approx(5)
    assert (fitted.rows, fitted.num_layers, fitted.topology) == (4, 2, "2A1F")


@pytest.mark.parametrize("microbatches", [1, 2, 3])
def test_times_of_one_run_predict_another(microbatches: int) -> None:
    """Fitted at one micro-batch, the noisy step times of others are met."""
    noisy = small_config(
        num_layers=12,
        num_microbatches=1,
        attention=StageTime.constant(100, 0.2),
        ffn=StageTime.constant(80, 0.2),
        link_out=LinkTime(100, sigma=0.2),
        link_back=LinkTime(100, sigma=0.2),
        num_steps=20,
    )
    fitted = config_from_trace(_traced(noisy))
    changes = {"num_microbatches": microbatches, "seed": 9}
    truth = small_config(**(vars(noisy) | changes))
    predicted = small_config(**(vars(fitted) | changes))
    assert predict(predicted).step_ms == pytest.approx(predict(truth).step_ms, rel=0.03)


def test_the_first_step_and_what_lies_between_spans_are_handled() -> None:
    spans = []
    for step in range(1, 5):
        cold = 10 if step == 1 else 1
        begin = step * 10_000_000
        # 100 us of attention, 30 us of feed-forward, 20 us that nothing covers.
        key = (step, 0, 0, 4)
        spans.append(Span("attention0", "attention", *key, begin, begin + 100_000 * cold))
        begin += 100_000 * cold
        spans.append(Span("ffn0", "feed_forward", *key, begin, begin + 30_000, "attention0"))
        spans.append(Span("attention0", "wait", *key, begin, begin + 30_000))
        outside = (step, NO_LAYER, NO_MICROBATCH, 4)
        spans.append(Span("attention0", "other", *outside, begin + 50_000, begin + 60_000))
    info = TraceInfo(source="run", num_attention=1, num_ffn=1, num_layers=1, num_microbatches=1)
    fitted = config_from_trace(Trace(info, spans))
    assert fitted.attention.points == ((4, 120.0),)
    assert set(fitted.attention.ratios) == {1.0}
    assert fitted.other.points == ((4, 10.0),)
    assert fitted.link_out == LinkTime(0)


def test_a_trace_without_feed_forward_cannot_be_fitted() -> None:
    info = TraceInfo(source="run", num_attention=1, num_ffn=1, num_layers=1, num_microbatches=1)
    spans = [Span("attention0", "attention", 0, 0, 0, 4, 0, 10)]
    with pytest.raises(TraceError, match="no feed-forward"):
        config_from_trace(Trace(info, spans))
