import pytest

from regard.serving.afd.idleness import steps_of
from regard.serving.afd.picture import MAX_LANES, picture_of
from regard.serving.afd.trace import TraceError
from tests.serving.afd.traces import noisy_config, simulated_trace

TRACE = simulated_trace(noisy_config(num_steps=3))


def test_a_picture_is_one_whole_step() -> None:
    picture = picture_of(TRACE, step=1)
    step = next(each for each in steps_of(TRACE.spans) if each.step == 1)
    assert picture.lasts_us == (step.end_ns - step.start_ns) / 1000
    assert list(picture.lanes) == [
        step.worker,
        *sorted({"attention0", "attention1"} - {step.worker}),
        "ffn0",
        "ffn1",
    ]
    own = picture.lanes[step.worker]
    assert sum(bar.stage == "attention" for bar in own) == 30
    assert own[0].start_us == 0
    assert max(bar.end_us for bar in own) == picture.lasts_us
    assert "2A2F, simulated: step 1" in picture.title


def test_some_layers_are_cut_out() -> None:
    picture = picture_of(TRACE, step=1, layers=(4, 6))
    own = next(iter(picture.lanes.values()))
    assert {bar.layer for bar in own if bar.stage == "attention"} >= {4, 5}
    assert picture.lasts_us < picture_of(TRACE, step=1).lasts_us / 3
    for bars in picture.lanes.values():
        assert all(0 <= bar.start_us <= bar.end_us <= picture.lasts_us for bar in bars)


def test_messages_computed_together_are_one_bar() -> None:
    picture = picture_of(TRACE, step=1)
    keys = [
        (bar.layer, bar.microbatch) for bar in picture.lanes["ffn0"] if bar.stage == "feed_forward"
    ]
    assert len(keys) == len(set(keys)) == 30


def test_arrows_lead_from_send_to_receive() -> None:
    picture = picture_of(TRACE, step=1)
    out = [each for each in picture.arrows if each.receiver == "ffn0"]
    assert len(out) == 60
    assert {round(each.end_us - each.start_us, 3) for each in out} == {90}


def test_a_crowd_is_cut_to_both_sides() -> None:
    config = noisy_config(num_attention=30, num_ffn=20, num_layers=1, num_steps=1)
    picture = picture_of(simulated_trace(config))
    assert len(picture.lanes) == MAX_LANES
    assert sum(name.startswith("ffn") for name in picture.lanes) == MAX_LANES // 2
    assert picture.num_hidden == 50 - MAX_LANES


@pytest.mark.parametrize(
    ("wanted", "named"),
    [({"step": 9}, "steps 0 to 2"), ({"step": 1, "layers": (10, 12)}, "layers 0 to 9")],
)
def test_what_is_not_there_is_said(wanted: dict, named: str) -> None:
    with pytest.raises(TraceError, match=named):
        picture_of(TRACE, **wanted)
