"""The simulated state by name."""

import mujoco
import numpy as np
import pytest

from regard.world.physics import Contacts, Physics, PhysicsError

XML = """
<mujoco>
  <option><flag sleep="enable"/></option>
  <worldbody>
    <geom name="table" type="box" size="1 1 0.1" pos="0 0 -0.1"/>
    <body name="a/body" pos="0 0 0.05"><freejoint name="a/free"/>
      <geom type="box" size="0.05 0.05 0.05" mass="0.2"/></body>
    <body name="a/bead_0" pos="0.5 0 0.05"><freejoint/>
      <geom type="sphere" size="0.05" mass="0.1"/></body>
    <body name="b/body" pos="0 0.5 0.5">
      <joint name="b/slide" type="slide" axis="1 0 0" range="0 0.2"/>
      <geom type="box" size="0.05 0.05 0.05" mass="0.2"/></body>
  </worldbody>
</mujoco>
"""


@pytest.fixture
def physics() -> Physics:
    return Physics(mujoco.MjModel.from_xml_string(XML))


def test_what_sleeps_still_touches(physics: Physics) -> None:
    physics.step(1500)
    contacts = Contacts(physics)
    assert contacts.touch("a/", "table")
    assert not contacts.touch("b/", "table")


def test_beads_belong_to_no_object(physics: Physics) -> None:
    assert physics.geoms_of("a/").sum() == 1


def test_a_resting_weight_is_its_force(physics: Physics) -> None:
    physics.model.opt.enableflags = 0
    physics.step(50)
    assert Contacts(physics).force_n(("a/",), ("table",)) == pytest.approx(0.2 * 9.81, rel=0.1)


def test_a_name_that_is_not_there_is_said(physics: Physics) -> None:
    with pytest.raises(PhysicsError, match="no body 'mug'"):
        physics.body_pose("mug")


def test_a_state_that_is_no_number_is_an_error(physics: Physics) -> None:
    physics.data.qvel[:] = np.nan
    with pytest.raises(PhysicsError, match="NaN"):
        physics.step()


def test_observers_are_asked_every_few_steps(physics: Physics) -> None:
    times = []
    physics.observers.append(lambda: times.append(physics.time_s))
    physics.step(10)
    assert len(times) == 2


def test_joints_are_read_by_name(physics: Physics) -> None:
    assert physics.joint_range("b/slide") == (0.0, pytest.approx(0.2))
    axis, _ = physics.joint_axis("b/slide")
    assert axis == pytest.approx([1, 0, 0])
