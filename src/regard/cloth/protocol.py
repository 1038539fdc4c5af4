"""What must not change between two results that are compared: criteria, ranges, rules, physics."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

from regard.cloth import gripper, starts
from regard.cloth.conditions import RANGES
from regard.cloth.engines import contract, mujoco_engine, xpbd_engine
from regard.cloth.envs import actions, cloth_env, observation
from regard.cloth.metrics import DRIFT_WEIGHT
from regard.cloth.tasks import TASKS, task_of

FROZEN_FILE = "frozen_protocol.json"
"""The protocol under which results are comparable, beside this module."""


def protocol() -> dict[str, Any]:
    """All of it, as it is in this code; plain JSON values."""
    described = {
        "tasks": {name: asdict(task) for name, task in TASKS.items()},  # type: ignore[call-overload]
        "ranges": {name: asdict(ranges) for name, ranges in RANGES.items()},
        "episode": {
            "control_period": contract.CONTROL_PERIOD,
            "rest_steps": cloth_env.REST_STEPS,
            "success_bonus": cloth_env.SUCCESS_BONUS,
            "drift_weight": DRIFT_WEIGHT,
            "wrinkled_coverage": starts.WRINKLED_COVERAGE,
        },
        "gripper": {
            "max_step": actions.MAX_STEP,
            "grasp_grid": actions.GRASP_GRID,
            "grasp_reach": gripper.GRASP_REACH,
            "workspace": [gripper.WORKSPACE_LOW.tolist(), gripper.WORKSPACE_HIGH.tolist()],
        },
        "observation": {"grid": observation.OBSERVED_GRID, "size": observation.OBSERVATION_SIZE},
        "mujoco": {
            "resolution": mujoco_engine.RESOLUTION,
            "timestep": mujoco_engine.TIMESTEP,
            "radius": mujoco_engine.RADIUS,
            "scene_sha256": hashlib.sha256(_read("engines/cloth_scene.xml").encode()).hexdigest(),
        },
        "xpbd": {
            "resolution": xpbd_engine.RESOLUTION,
            "timestep": xpbd_engine.TIMESTEP,
            "gap_per_spacing": xpbd_engine.GAP_PER_SPACING,
        },
    }
    plain: dict[str, Any] = json.loads(json.dumps(described))
    return plain


def protocol_of(task: str) -> dict[str, Any]:
    """What results of this task depend on: the protocol without the other tasks.

    Raises:
        ClothError: There is no such task.
    """
    described = protocol()
    return described | {"tasks": {task: described["tasks"][task_of(task).name]}}


def frozen_protocol() -> dict[str, Any]:
    """The protocol that was frozen before any learner was trained."""
    frozen: dict[str, Any] = json.loads(_read(FROZEN_FILE))
    return frozen


def digest(described: Mapping[str, Any]) -> str:
    """SHA-256 of a protocol in canonical JSON."""
    text = json.dumps(described, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs, one line for each value: its name, what it was, what it is."""
    old, new = _flattened(before), _flattened(after)
    return [
        f"{name}: {old.get(name, 'absent')} -> {new.get(name, 'absent')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name, "absent") != new.get(name, "absent")
    ]


def _flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flattened(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _read(name: str) -> str:
    return resources.files("regard.cloth").joinpath(name).read_text(encoding="utf-8")
