from hypothesis import given, settings

from regard.serving.afd.simulation.config import SimulationConfig, Straggler
from regard.serving.afd.simulation.events import simulate_events
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime
from regard.serving.afd.trace import Span
from tests.serving.afd.simulation.configs import configs, small_config


def _times(spans: list[Span], worker: str, stage: str) -> list[tuple[int, int, int, int]]:
    """Layer, micro-batch, start and end in microseconds."""
    return [
        (span.layer, span.microbatch, span.start_ns // 1000, span.end_ns // 1000)
        for span in spans
        if (span.worker, span.stage) == (worker, stage)
    ]


def test_a_schedule_computed_by_hand() -> None:
    # Two layers, two micro-batches; attention 10, out 3, feed-forward 6, back 2, head 5.
    spans: list[Span] = []
    timeline = simulate_events(small_config(), spans)
    assert _times(spans, "attention0", "attention") == [
        (0, 0, 0, 10),
        (0, 1, 10, 20),
        (1, 0, 21, 31),
        (1, 1, 31, 41),
    ]
    assert _times(spans, "ffn0", "feed_forward") == [
        (0, 0, 13, 19),
        (0, 1, 23, 29),
        (1, 0, 34, 40),
        (1, 1, 44, 50),
    ]
    assert _times(spans, "attention0", "wait") == [
        (0, 0, 20, 21),
        (0, 1, 31, 31),
        (1, 0, 41, 42),
        (1, 1, 42, 52),
    ]
    assert _times(spans, "ffn0", "receive")[:2] == [(0, 0, 13, 13), (0, 1, 23, 23)]
    assert timeline.step_end_ns.tolist() == [[57_000]]
    assert timeline.attention_busy_ns.tolist() == [45_000]
    assert timeline.ffn_busy_ns.tolist() == [24_000]


def test_messages_that_wait_are_computed_together() -> None:
    # The second and third micro-batch of the layer arrive while the first is computed.
    spans: list[Span] = []
    config = small_config(
        num_layers=1,
        num_microbatches=3,
        ffn=StageTime.linear(20, 1),
        link_out=LinkTime(0),
        link_back=LinkTime(0),
    )
    timeline = simulate_events(config, spans)
    assert _times(spans, "ffn0", "feed_forward") == [
        (0, 0, 10, 34),
        (0, 1, 34, 62),
        (0, 2, 34, 62),
    ]
    assert timeline.ffn_batches.tolist() == [2]


def test_messages_of_two_instances_are_computed_together_if_they_arrive_together() -> None:
    config = small_config(num_attention=2, num_layers=1, num_microbatches=1)
    assert simulate_events(config).ffn_batches.tolist() == [1]
    staggered = small_config(num_attention=2, num_layers=1, num_microbatches=1, stagger_us=1.0)
    assert simulate_events(staggered).ffn_batches.tolist() == [2]


def test_in_lock_step_an_ffn_instance_waits_for_the_slowest() -> None:
    spans: list[Span] = []
    config = small_config(
        num_attention=2,
        num_layers=1,
        num_microbatches=1,
        lock_step=True,
        stragglers=(Straggler("attention", 1, 1.5),),
    )
    simulate_events(config, spans)
    assert _times(spans, "ffn0", "feed_forward") == [(0, 0, 18, 24)] * 2


def test_rows_queue_for_their_senders_link() -> None:
    spans: list[Span] = []
    config = small_config(num_ffn=3, num_layers=1, num_microbatches=1, link_out=LinkTime(3, 0.5))
    simulate_events(config, spans)
    arrivals = [_times(spans, f"ffn{j}", "receive")[0][2] for j in range(3)]
    # Four rows take 2 us of the link for each FFN instance, then 3 us of delay.
    assert arrivals == [15, 17, 19]


def test_sending_keeps_the_worker_busy() -> None:
    spans: list[Span] = []
    config = small_config(
        num_attention=2,
        num_layers=1,
        num_microbatches=1,
        attention_send=StageTime.constant(4),
        ffn_send=StageTime.constant(7),
    )
    simulate_events(config, spans)
    assert _times(spans, "attention0", "send") == [(0, 0, 10, 14)]
    assert _times(spans, "ffn0", "send") == [(0, 0, 19, 26), (0, 0, 26, 33)]
    assert _times(spans, "attention1", "receive") == [(0, 0, 28, 28)]


def test_a_result_is_awaited_from_every_ffn_instance() -> None:
    config = small_config(num_ffn=2, num_layers=1, stragglers=(Straggler("ffn", 1, 10.0),))
    one = small_config(num_layers=1)
    slow = simulate_events(config).step_end_ns - simulate_events(one).step_end_ns
    assert slow.item() > 54_000


@given(configs())
@settings(max_examples=60, deadline=None)
def test_the_same_seed_gives_the_same_timeline_and_trace(config: SimulationConfig) -> None:
    first: list[Span] = []
    second: list[Span] = []
    assert simulate_events(config, first) == simulate_events(config, second)
    assert first == second


@given(configs())
@settings(max_examples=60, deadline=None)
def test_every_schedule_is_possible(config: SimulationConfig) -> None:
    """No worker does two things at once, and nothing is used before it has arrived."""
    spans: list[Span] = []
    timeline = simulate_events(config, spans)
    assert (timeline.step_end_ns.max() - timeline.step_start_ns.min()) >= max(
        timeline.attention_busy_ns.max(), timeline.ffn_busy_ns.max()
    )
    seen: dict[tuple, int] = {}
    for span in spans:
        if span.stage == "receive":
            seen[(span.worker, span.peer, *span[2:5])] = span.start_ns
    last: dict[str, Span] = {}
    for span in spans:
        if span.stage == "receive":
            continue
        before = last.get(span.worker)
        together = before is not None and span.stage == before.stage == "feed_forward"
        together = together and span.start_ns == before.start_ns
        if before is not None and not together and span.worker.startswith("attention"):
            assert span.start_ns == before.end_ns
        last[span.worker] = span
        if span.stage == "feed_forward":
            assert seen[(span.worker, span.peer, *span[2:5])] <= span.start_ns
        if span.stage == "wait":
            arrivals = [seen[(span.worker, f"ffn{j}", *span[2:5])] for j in range(config.num_ffn)]
            assert span.end_ns == max(span.start_ns, *arrivals)
    messages = config.num_steps * config.stages_per_step * config.num_attention
    assert sum(span.stage == "feed_forward" for span in spans) == messages * config.num_ffn


def test_progress_is_told_of_each_step_of_each_instance() -> None:
    told: list[float] = []
    simulate_events(small_config(num_attention=2, num_steps=3), None, told.append)
    assert told == [1] * 6


@given(configs(noise=3.0))
@settings(max_examples=60, deadline=None)
def test_connections_keep_the_order_of_their_messages(config: SimulationConfig) -> None:
    spans: list[Span] = []
    simulate_events(config, spans)
    sent: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    seen: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for span in spans:
        if span.stage == "receive":
            seen.setdefault((span.peer, span.worker), []).append(span[2:5])
        elif span.stage == "send":
            receivers = [span.peer] if span.peer else [f"ffn{j}" for j in range(config.num_ffn)]
            for receiver in receivers:
                sent.setdefault((span.worker, receiver), []).append(span[2:5])
    assert seen == sent
