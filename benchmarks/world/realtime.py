"""Simulated seconds a second of one core: a skill runs, one 640x480 camera is drawn at 10 Hz.

python -m benchmarks.world.realtime --repeats 5 --write
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence

import numpy as np

from regard.common.progress import progress_bar
from regard.common.rows import Measurement, package_versions, write_rows
from regard.world.arm.assets import menagerie
from regard.world.clock import LockstepClock
from regard.world.rendering import PictureConfig, Renderer
from regard.world.safety.limits import ASSISTIVE
from regard.world.scene import build_scene
from regard.world.scene_config import SceneConfig
from regard.world.skills.context import SkillContext
from regard.world.skills.fetch import Fetch
from regard.world.skills.perception import RGBD_NOISE, Perception
from regard.world.skills.runner import run_skill
from regard.world.world import World

FRAME_S = 0.1
NUM_OBJECTS = 10
NOTES = (
    "simulated time by process time of one core: fetch with planning, physics at 2 ms, person's "
    "camera at 640x480 and 10 Hz, arm and 10 objects; median, least and most over the scenes"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints the row, and writes it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="scenes, one fetch each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--meshes", action="store_true", help="draw the arm's own meshes")
    parser.add_argument("--write", action="store_true", help="append the row to results/")
    parser.add_argument("--commit", help="the measured commit, where there is no git")
    arguments = parser.parse_args(argv)
    if hasattr(os, "sched_setaffinity"):
        # A software renderer takes every core it is given.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    factors = []
    with progress_bar("scenes", arguments.repeats) as advance:
        for index in range(arguments.repeats):
            factors.append(_factor(arguments.seed + index, meshes=arguments.meshes))
            advance(1)
    row = Measurement(
        metric="world.real_time_factor" + ".meshes" * arguments.meshes,
        value=float(np.median(factors)),
        unit="1",
        n=len(factors),
        low=min(factors),
        high=max(factors),
        notes=NOTES,
        extra_versions=package_versions(("mujoco", "mink")),
    )
    print(f"{row.metric} {row.value:.2f} of {' '.join(f'{factor:.2f}' for factor in factors)}")
    if arguments.write:
        command = f"python -m benchmarks.world.realtime --repeats {arguments.repeats}"
        command += f" --seed {arguments.seed}" + " --meshes" * arguments.meshes + " --write"
        write_rows("world", [row], command=command, seed=arguments.seed, commit=arguments.commit)
    return 0


def _factor(seed: int, *, meshes: bool) -> float:
    """Simulated by process time of one fetch."""
    config = SceneConfig(num_objects=NUM_OBJECTS, required=("mug",))
    world = World(
        build_scene(seed=seed, config=config), menagerie(), limits=ASSISTIVE, visuals=meshes
    )
    physics = world.physics
    context = SkillContext(
        world,
        clock=LockstepClock(physics),
        perception=Perception(physics, noise=RGBD_NOISE, seed=seed),
        report=lambda share, words: None,
    )
    num_frames = 0
    with Renderer(physics.model, PictureConfig(width=640, height=480)) as renderer:
        start_s = physics.time_s

        def draw() -> None:
            nonlocal num_frames
            if physics.time_s - start_s >= num_frames * FRAME_S:
                renderer.picture(physics.data, "person")
                num_frames += 1

        physics.observers.append(draw)
        began = time.process_time()
        run_skill(Fetch(), context, {"object": "mug_1"})
        # Scenes in which the mug cannot be had are short: both kinds last ten seconds at least.
        physics.step(round(max(0.0, 10.0 - (physics.time_s - start_s)) / physics.timestep_s))
        return (physics.time_s - start_s) / (time.process_time() - began)


if __name__ == "__main__":
    sys.exit(main())
