import pytest

from regard.serving.afd.idleness import steps_of
from regard.serving.afd.report import Times, report_of, steps_near_median
from regard.serving.afd.simulation.config import Straggler
from regard.serving.afd.simulation.prediction import predict
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime
from regard.serving.afd.trace import Span, TraceError
from regard.serving.afd.trace_file import Trace
from tests.serving.afd.traces import noisy_config, simulated_trace


def test_the_stages_take_what_they_were_made_to_take() -> None:
    config = noisy_config(ffn_send=StageTime.constant(5))
    report = report_of(simulated_trace(config))
    stages = {each.worker: each.stages for each in report.workers}
    assert list(stages) == ["attention0", "attention1", "ffn0", "ffn1"]
    assert stages["attention0"]["attention"].median_us == pytest.approx(240, rel=0.02)
    assert stages["attention0"]["attention"].p99_us == pytest.approx(240 * 1.12, rel=0.04)
    assert stages["attention0"]["other"].median_us == pytest.approx(300, rel=0.1)
    # Both instances' messages are computed together: one feed-forward, two sends.
    assert stages["ffn1"]["feed_forward"].median_us == pytest.approx(200, rel=0.02)
    assert stages["ffn1"]["feed_forward"].count == 6 * 10 * 3
    assert stages["ffn1"]["send"] == Times(6 * 10 * 3 * 2, 5.0, 5.0)


def test_link_times_are_from_send_to_visible_where_the_receiver_was_idle() -> None:
    links = report_of(simulated_trace(noisy_config())).links
    assert list(links) == ["out", "back"]
    num_messages = 6 * 30 * 4
    for direction, microseconds in (("out", 90.0), ("back", 70.0)):
        count = links[direction].count
        assert links[direction] == Times(count, microseconds, microseconds)
        assert 0 < count < num_messages


def test_step_times_are_the_simulations() -> None:
    config = noisy_config()
    report = report_of(simulated_trace(config))
    assert report.num_steps == 12
    assert report.step.median_us / 1e3 == pytest.approx(predict(config).step_ms)
    assert report.step.p99_us / 1e3 == pytest.approx(predict(config).step_p99_ms)


def test_utilisation_and_bubbles_add_up() -> None:
    config = noisy_config(num_microbatches=1)
    report = report_of(simulated_trace(config))
    prediction = predict(config)
    shares = {each.worker: each.idleness for each in report.workers}
    for idle in shares.values():
        total = idle.busy + idle.in_layers + idle.between_steps + idle.untraced
        assert total == pytest.approx(1, abs=1e-6)
        assert idle.untraced == pytest.approx(0, abs=1e-6)
    busy = (shares["attention0"].busy + shares["attention1"].busy) / 2
    assert busy == pytest.approx(prediction.attention_utilisation, rel=0.01)
    assert shares["ffn0"].busy == pytest.approx(prediction.ffn_utilisation, rel=0.03)
    # One of ten layers' waits is the last one.
    assert shares["attention0"].between_steps == pytest.approx(
        shares["attention0"].in_layers / 9, rel=0.1
    )


@pytest.mark.parametrize(
    ("straggler", "index"), [("attention1", 0), ("ffn0", 1)], ids=["attention", "ffn"]
)
def test_the_straggler_is_the_one_that_was_built_in(straggler: str, index: int) -> None:
    side, number = straggler[:-1], int(straggler[-1])
    slow = Straggler(side, number, 1.2)  # type: ignore[arg-type]
    report = report_of(simulated_trace(noisy_config(stragglers=(slow,))))
    assert report.straggling[index].worker == straggler
    assert report.straggling[index].factor == pytest.approx(1.2, rel=0.03)
    assert report.straggling[index].is_straggler
    assert not report.straggling[1 - index].is_straggler


@pytest.mark.parametrize(
    ("changes", "resource", "is_latency"),
    [
        ({"attention": StageTime.constant(400, 0.05)}, "attention", False),
        ({"ffn": StageTime.constant(400, 0.05)}, "ffn", False),
        ({"link_out": LinkTime(600), "link_back": LinkTime(600)}, "link", True),
        ({"num_microbatches": 1, "ffn": StageTime.constant(900)}, "ffn", True),
    ],
)
def test_the_bound_is_the_one_that_was_built_in(
    changes: dict, resource: str, is_latency: bool
) -> None:
    config = noisy_config(**changes)
    bound = report_of(simulated_trace(config)).bound
    assert (bound.resource, bound.is_latency) == (resource, is_latency)
    assert (predict(config).bound.resource, predict(config).bound.is_latency) == (
        resource,
        is_latency,
    )


def test_results_sent_without_a_record_have_a_link_time() -> None:
    trace = simulated_trace(noisy_config(ffn_send=StageTime.constant(0)))
    spans = [
        span for span in trace.spans if not (span.stage == "send" and span.worker.startswith("ffn"))
    ]
    assert report_of(Trace(trace.info, spans)).links["back"].median_us == 70


def test_a_trace_of_one_side_is_refused() -> None:
    trace = simulated_trace(noisy_config())
    spans = [span for span in trace.spans if span.worker.startswith("ffn")]
    with pytest.raises(TraceError, match="no attention"):
        report_of(Trace(trace.info, spans))


def test_the_step_nearest_the_median_comes_first() -> None:
    spans = [
        Span("attention0", "attention", step, 0, 0, 4, 1000 * step, 1000 * step + lasts)
        for step, lasts in enumerate((10, 900, 100, 90, 105))
    ]
    assert [each.step for each in steps_near_median(steps_of(spans))][:2] == [2, 4]
