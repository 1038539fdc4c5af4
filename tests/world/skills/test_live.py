"""Skills in real time, under the watchdog."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from regard.world.failures import FailureKind
from regard.world.safety.limits import ASSISTIVE
from regard.world.skills import live as live_module
from regard.world.skills.fetch import Fetch
from regard.world.skills.live import LiveArm, stopped_by_interrupt
from regard.world.skills.perception import RGBD_NOISE, Perception


@pytest.fixture
def live(make_world) -> LiveArm:
    world = make_world("mug")
    perception = Perception(world.physics, noise=RGBD_NOISE, seed=0)
    return LiveArm(world, limits=ASSISTIVE, perception=perception, report=lambda share, words: None)


def test_a_stop_ends_the_skill_and_the_arm_rests(live) -> None:
    with live:
        timer = threading.Timer(2.0, live.stop, args=("the person said stop",))
        timer.start()
        outcome = live.run(Fetch(), {"object": "mug_1"})
        assert live.is_righted.wait(10.0)
        timer.join()
        assert np.abs(live.world.arm.state().velocity_rad_s).max() < 0.05
    assert outcome.failure is FailureKind.STOPPED
    assert "the person said stop" in outcome.words


def test_the_watchdog_is_told_to_right_what_is_held(live, monkeypatch) -> None:
    asked = []

    def right(world, *, advance) -> bool:
        advance(0.02)
        asked.append(world)
        return True

    monkeypatch.setattr(live_module, "right_after_stop", right)
    with live:
        live.stop("test")
        assert live.is_righted.wait(10.0)
    assert asked == [live.world]


def test_ctrl_c_is_a_stop(live) -> None:
    before = signal.getsignal(signal.SIGINT)
    with live, stopped_by_interrupt(live):
        os.kill(os.getpid(), signal.SIGINT)
        until = time.monotonic() + 10
        while live.world.arm.stop_reason is None and time.monotonic() < until:
            time.sleep(0.01)
    assert live.world.arm.stop_reason == "you pressed Ctrl-C"
    assert signal.getsignal(signal.SIGINT) is before
