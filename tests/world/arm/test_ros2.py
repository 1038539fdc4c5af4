"""The seam to a real arm, without one."""

import numpy as np
import pytest

from regard.world.arm.errors import ArmCommandError
from regard.world.arm.ros2 import Ros2Arm
from regard.world.arm.simulated import UR5E_LIMITS


def _arm(sent: list) -> Ros2Arm:
    return Ros2Arm(limits=UR5E_LIMITS, publish=sent.append, publish_gripper=sent.append)


def test_velocities_are_clipped_and_sent() -> None:
    sent: list = []
    _arm(sent).command_velocity(np.full(6, 9.0))
    assert sent == [list(UR5E_LIMITS.velocity_rad_s)]


def test_a_stop_sends_zero_and_holds_the_gripper() -> None:
    sent: list = []
    arm = _arm(sent)
    arm.stop("test")
    arm.command_velocity(np.ones(6))
    arm.command_gripper(0.0)
    assert sent == [[0.0] * 6, [0.0] * 6]


def test_no_measurement_is_no_state() -> None:
    with pytest.raises(ArmCommandError, match="no joint state"):
        _arm([]).state()
