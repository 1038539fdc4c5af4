import json
from dataclasses import asdict

import pytest
from hypothesis import given, settings

from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.prediction import predict, progress_total, simulate
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime
from regard.serving.afd.trace import Span
from tests.serving.afd.simulation.configs import configs, small_config


def test_a_prediction_sums_the_hand_computed_schedule_up() -> None:
    prediction = predict(small_config())
    assert prediction.step_ms == prediction.step_p99_ms == prediction.step_mean_ms == 0.057
    assert prediction.tokens_per_second == pytest.approx(8 / 57e-6)
    assert prediction.attention_utilisation == pytest.approx(45 / 57)
    assert prediction.ffn_utilisation == pytest.approx(24 / 57)
    assert prediction.rows_per_ffn_batch == 4
    assert prediction.topology == "1A1F"


@pytest.mark.parametrize(
    ("attention", "ffn", "link", "resource", "is_latency"),
    [
        (300, 100, 10, "attention", False),
        (100, 300, 10, "ffn", False),
        (100, 100, 500, "link", True),
    ],
)
def test_the_bound_is_the_one_that_was_built_in(
    attention: float, ffn: float, link: float, resource: str, is_latency: bool
) -> None:
    config = small_config(
        num_attention=2,
        num_ffn=2,
        num_layers=20,
        num_microbatches=3,
        attention=StageTime.constant(attention, 0.05),
        ffn=StageTime.constant(ffn, 0.05),
        link_out=LinkTime(link),
        link_back=LinkTime(link),
        num_steps=5,
        lock_step=True,
    )
    bound = predict(config).bound
    assert (bound.resource, bound.is_latency) == (resource, is_latency)


@pytest.mark.parametrize("lock_step", [False, True])
def test_sending_after_the_last_step_is_no_work_of_its_time(lock_step: bool) -> None:
    nothing = StageTime.constant(0)
    config = small_config(
        num_layers=1,
        num_microbatches=1,
        attention=nothing,
        ffn=nothing,
        link_out=LinkTime(0),
        link_back=LinkTime(0),
        other=nothing,
        ffn_send=StageTime.constant(5),
        num_steps=2,
        lock_step=lock_step,
    )
    # The second message waits for the end of the first one's sending, and is used at once.
    assert predict(config).ffn_utilisation == 1


@given(configs())
@settings(max_examples=50, deadline=None)
def test_every_prediction_is_possible_and_can_be_printed(config: SimulationConfig) -> None:
    prediction = predict(config)
    assert 0 <= prediction.attention_utilisation <= 1
    assert 0 <= prediction.ffn_utilisation <= 1
    assert prediction.step_p99_ms >= prediction.step_ms >= 0
    json.dumps(asdict(prediction), allow_nan=False)


def test_a_traced_simulation_is_the_same_simulation() -> None:
    config = small_config(num_attention=2, lock_step=True, attention=StageTime.constant(10, 0.3))
    spans: list[Span] = []
    assert simulate(config, spans) == simulate(config)
    assert spans


def test_progress_adds_up_to_its_total() -> None:
    for lock_step in (True, False):
        for spans in ([], None):
            config = small_config(num_attention=3, num_steps=4, lock_step=lock_step)
            told: list[float] = []
            simulate(config, spans, told.append)
            assert sum(told) == progress_total(config, is_traced=spans is not None)
