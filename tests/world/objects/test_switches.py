"""Buttons switch lights."""

import mujoco
import pytest

from regard.world.layout import Layout, Placement
from regard.world.objects.contract import Affordance, Instance
from regard.world.objects.registry import all_objects
from regard.world.objects.switches import Switches, num_switch_values
from regard.world.scene import assemble

LAMPS = sorted(k for k, spec in all_objects().items() if spec.affords(Affordance.PRESS))


class Lamp:
    """One lamp on a table, with a thumb."""

    def __init__(self, kind: str) -> None:
        spec = all_objects()[kind]
        instance = Instance(name="it", spec=spec, colour=spec.colours[0])
        placement = Placement(instance=instance, x_m=0.0, y_m=0.0, yaw_rad=0.0)
        self.model = assemble(Layout(placements=(placement,)), timestep_s=0.002).spec.compile()
        self.data = mujoco.MjData(self.model)
        self.switches = Switches([instance], self.model)
        self.pressed = 0

    def push(self, newtons: float) -> None:
        joint = self.model.joint("it/button")
        self.data.qfrc_applied[joint.dofadr[0]] = newtons
        for _ in range(40):
            mujoco.mj_step(self.model, self.data, nstep=5)
            self.pressed += len(self.switches.update(self.data))

    @property
    def is_on(self) -> bool:
        return self.switches.is_on(self.data, "it")

    @property
    def is_shining(self) -> bool:
        bulb = mujoco.mj_name2id(self.model, mujoco.mjtObj.mjOBJ_LIGHT, "it/bulb")
        return bool(self.model.light_active[bulb])


@pytest.mark.parametrize("kind", LAMPS)
def test_each_press_flips_the_light_once(kind: str) -> None:
    lamp = Lamp(kind)
    lamp.push(0.0)
    assert not lamp.is_on
    lamp.push(5.0)
    assert lamp.is_on
    assert lamp.is_shining
    lamp.push(5.0)
    assert lamp.is_on, "a button that stays down flips nothing"
    lamp.push(0.0)
    lamp.push(5.0)
    assert not lamp.is_on
    assert not lamp.is_shining
    assert lamp.pressed == 2


@pytest.mark.parametrize("kind", LAMPS)
def test_a_touch_is_no_press(kind: str) -> None:
    lamp = Lamp(kind)
    lamp.push(0.5)
    assert not lamp.is_on


def test_the_light_can_start_on_and_glows() -> None:
    lamp = Lamp("lamp")
    dark = lamp.model.material("it/shade").emission[0]
    lamp.switches.turn(lamp.data, "it", on=True)
    assert lamp.is_on
    assert lamp.model.material("it/shade").emission[0] > dark


def test_what_has_no_button_needs_no_values() -> None:
    spec = all_objects()["mug"]
    assert num_switch_values([Instance(name="it", spec=spec, colour="red")]) == 0
    with pytest.raises(KeyError):
        Lamp("lamp").switches.is_on(Lamp("lamp").data, "mug_1")
