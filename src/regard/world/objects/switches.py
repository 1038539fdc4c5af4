"""Lights that a button switches: each press turns one on or off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import mujoco

from regard.world.objects.contract import PRESSED_FRACTION, Affordance, Instance

RELEASED_FRACTION = 0.3
"""A button must come back below this share of its travel before it can be pressed again."""
VALUES_PER_SWITCH = 2
EMISSION_ON = 0.9
EMISSION_OFF = 0.05


class _Switch(NamedTuple):
    """One switch, as indices into model and state."""

    name: str
    """Name of its instance."""
    position: int
    """Index of the button's position in `qpos`."""
    travel: float
    """Length of the button's way in metres."""
    on: int
    """Index into `userdata`: 1 while the light is on."""
    held: int
    """Index into `userdata`: 1 from a press until the release."""
    light: int
    """The lamp's light; -1 if it has none."""
    material: int
    """What glows; -1 if nothing does."""


class Switches:
    """The switches of a scene; their state lives in `data.userdata`, with the rest of the state."""

    def __init__(self, instances: Iterable[Instance], model: mujoco.MjModel) -> None:
        """Finds the switches of a compiled scene.

        Args:
            instances: The objects of the scene.
            model: Compiled from it, `nuserdata` being `num_switch_values(instances)`.
        """
        pressable = _pressable(instances)
        assert model.nuserdata >= VALUES_PER_SWITCH * len(pressable)
        self._model = model
        self._switches = {
            each.name: self._find(each, VALUES_PER_SWITCH * index)
            for index, each in enumerate(pressable)
        }

    def update(self, data: mujoco.MjData) -> tuple[str, ...]:
        """Turns lights on or off by what the buttons do; call it at least every 20 ms.

        Args:
            data: The state; its `userdata` changes.

        Returns:
            The instances whose button went past its threshold since the last call.
        """
        pressed = []
        for switch in self._switches.values():
            fraction = data.qpos[switch.position] / switch.travel
            if fraction >= PRESSED_FRACTION and not data.userdata[switch.held]:
                data.userdata[switch.held] = 1
                data.userdata[switch.on] = 1 - data.userdata[switch.on]
                pressed.append(switch.name)
            elif fraction <= RELEASED_FRACTION:
                data.userdata[switch.held] = 0
            self._show(switch, bool(data.userdata[switch.on]))
        return tuple(pressed)

    def is_on(self, data: mujoco.MjData, name: str) -> bool:
        """Whether the light of an instance is on.

        Raises:
            KeyError: The instance has no switch.
        """
        return bool(data.userdata[self._switches[name].on])

    def turn(self, data: mujoco.MjData, name: str, *, on: bool) -> None:
        """Turns the light of an instance on or off, as a scene may start."""
        switch = self._switches[name]
        data.userdata[switch.on] = float(on)
        self._show(switch, on)

    def _find(self, instance: Instance, offset: int) -> _Switch:
        model = self._model
        joint = model.joint(instance.element("button"))
        low, high = joint.range
        return _Switch(
            name=instance.name,
            position=int(joint.qposadr[0]),
            travel=float(high - low),
            on=offset,
            held=offset + 1,
            light=_identifier(model, mujoco.mjtObj.mjOBJ_LIGHT, instance.element("bulb")),
            material=_identifier(model, mujoco.mjtObj.mjOBJ_MATERIAL, instance.element("shade")),
        )

    def _show(self, switch: _Switch, on: bool) -> None:
        if switch.light >= 0:
            self._model.light_active[switch.light] = on
        if switch.material >= 0:
            self._model.mat_emission[switch.material] = EMISSION_ON if on else EMISSION_OFF


def num_switch_values(instances: Iterable[Instance]) -> int:
    """How many user values of the state the switches of these objects need."""
    return VALUES_PER_SWITCH * len(_pressable(instances))


def _pressable(instances: Iterable[Instance]) -> list[Instance]:
    return [each for each in instances if each.spec.affords(Affordance.PRESS)]


def _identifier(model: mujoco.MjModel, kind: mujoco.mjtObj, name: str) -> int:
    return int(mujoco.mj_name2id(model, kind, name))
