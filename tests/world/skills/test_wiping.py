"""Which cells count as wiped."""

import mujoco
import pytest

from regard.world.physics import Contacts, Physics
from regard.world.skills.wiping import WipeRecord

XML = """
<mujoco>
  <worldbody>
    <geom name="table" type="box" size="1 1 0.1" pos="0 0 -0.1"/>
    <site name="spill" type="box" size="0.08 0.04 0.001"/>
    <body name="pad/body" pos="{x} 0 0.02"><freejoint/>
      <geom type="box" size="0.04 0.04 0.02" mass="{mass}"/></body>
  </worldbody>
</mujoco>
"""


def record(x: float, mass: float) -> WipeRecord:
    physics = Physics(mujoco.MjModel.from_xml_string(XML.format(x=x, mass=mass)))
    physics.step(200)
    found = WipeRecord(physics, Contacts(physics), spot="spill", tool="pad")
    found.look()
    return found


def test_only_the_cells_under_the_tool_are_wiped() -> None:
    half = record(x=-0.04, mass=0.5)
    assert half.force_n == pytest.approx(0.5 * 9.81, rel=0.05)
    # The rim of a cell's width counts with the contact.
    assert 0.5 <= half.share <= 0.65


@pytest.mark.parametrize("mass", [0.05, 3.0], ids=["too-light", "too-hard"])
def test_a_force_outside_the_range_wipes_nothing(mass: float) -> None:
    assert record(x=-0.04, mass=mass).share == 0


def test_beside_the_patch_nothing_is_wiped() -> None:
    assert record(x=-0.5, mass=0.5).share == 0
