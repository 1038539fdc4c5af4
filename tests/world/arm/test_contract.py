"""The contract of an arm, held over its implementations."""

import numpy as np
import pytest

from regard.world.arm.contract import Arm
from regard.world.arm.ros2 import Ros2Arm
from regard.world.arm.simulated import UR5E_LIMITS

LIMIT = np.array(UR5E_LIMITS.velocity_rad_s)


class Recorder:
    """An arm, and the last velocity that reached its joints' drives."""

    def __init__(self, arm: Arm, sent) -> None:
        self.arm = arm
        self.sent = sent


@pytest.fixture(params=["simulated", "ros2"])
def recorder(request, make_world) -> Recorder:
    if request.param == "ros2":
        sent: list = []
        arm = Ros2Arm(limits=UR5E_LIMITS, publish=sent.append, publish_gripper=lambda _: None)
        return Recorder(arm, lambda: np.array(sent[-1]))
    world = make_world()

    def settled() -> np.ndarray:
        world.physics.step(300)
        return world.arm.state().velocity_rad_s

    return Recorder(world.arm, settled)


def test_what_is_not_whole_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="stop"):
        type("Half", (Arm,), {"limits": None})()


def test_commands_are_clipped_to_the_limits(recorder: Recorder) -> None:
    wanted = np.array([9.0, 0, 0, 0, 0, 9.0])
    recorder.arm.command_velocity(wanted)
    assert recorder.sent() == pytest.approx(np.minimum(wanted, LIMIT), abs=0.1)


def test_after_a_stop_nothing_moves_until_it_is_released(recorder: Recorder) -> None:
    recorder.arm.stop("test")
    recorder.arm.command_velocity(np.full(6, 0.3))
    assert recorder.sent() == pytest.approx(np.zeros(6), abs=0.01)
    recorder.arm.release_stop()
    recorder.arm.command_velocity(np.full(6, 0.3))
    assert recorder.sent() == pytest.approx(np.full(6, 0.3), abs=0.05)
