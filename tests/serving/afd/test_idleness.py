import pytest

from regard.serving.afd.idleness import Step, idleness_of, steps_of
from regard.serving.afd.trace import NO_LAYER, NO_MICROBATCH, Span


def _spans(worker: str, *spans: tuple[str, int, int, int], step: int = 0) -> list[Span]:
    """Each is stage, layer, start, end."""
    return [
        Span(worker, stage, step, layer, 0, 4, start, end)  # type: ignore[arg-type]
        for stage, layer, start, end in spans
    ]


ATTENTION = _spans(
    "attention0",
    ("attention", 0, 0, 10),
    ("send", 0, 10, 12),
    ("wait", 0, 12, 42),
    ("attention", 1, 45, 55),
    ("wait", 1, 55, 75),
    ("receive", 1, 75, 75),
) + [Span("attention0", "other", 0, NO_LAYER, NO_MICROBATCH, 4, 75, 100)]
STEPS = [Step("attention0", 0, 0, 100)]


def test_a_step_reaches_from_its_first_span_to_its_last() -> None:
    later = _spans("attention0", ("attention", 0, 150, 160), step=1)
    ffn = _spans("ffn0", ("feed_forward", 0, 5, 300))
    steps = steps_of([*later, *ffn, *ATTENTION])
    assert steps == [*STEPS, Step("attention0", 1, 150, 160)]


def test_an_attention_instances_time_is_divided_up() -> None:
    idle = idleness_of(ATTENTION, STEPS)
    assert idle.busy == pytest.approx(0.47)
    assert idle.in_layers == pytest.approx(0.30)
    assert idle.between_steps == pytest.approx(0.20)
    assert idle.untraced == pytest.approx(0.03)
    assert idle.worst_layer == 0


def test_an_ffn_instance_is_idle_before_a_layer_or_between_steps() -> None:
    spans = _spans(
        "ffn0", ("feed_forward", 0, 20, 35), ("send", 0, 35, 36), ("feed_forward", 1, 60, 70)
    )
    idle = idleness_of(spans, STEPS)
    assert idle.busy == pytest.approx(0.26)
    assert idle.in_layers == pytest.approx(0.24)
    assert idle.between_steps == pytest.approx(0.50)
    assert idle.untraced == pytest.approx(0)
    assert idle.worst_layer == 1


def test_time_without_any_step_does_not_count() -> None:
    steps = [Step("attention0", 0, 0, 50), Step("attention0", 1, 1050, 1100)]
    spans = _spans("ffn0", ("feed_forward", 0, 0, 50), ("feed_forward", 0, 1060, 1100))
    idle = idleness_of(spans, steps)
    assert idle.busy == pytest.approx(0.9)
    assert idle.between_steps == pytest.approx(0.1)


def test_a_worker_that_never_waits_has_no_worst_layer() -> None:
    spans = _spans("ffn0", ("feed_forward", 0, 0, 100))
    assert idleness_of(spans, STEPS).worst_layer is None
