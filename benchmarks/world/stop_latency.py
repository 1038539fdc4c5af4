"""A thousand stops at random moments of random motion: simulated time until the arm rests.

python -m benchmarks.world.stop_latency --stops 1000 --write
"""

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from regard.common.progress import progress_bar
from regard.common.rows import Measurement, package_versions, write_rows
from regard.common.seeding import numpy_generator
from regard.common.statistics import bootstrap_interval, wilson_interval
from regard.world.arm.assets import menagerie
from regard.world.arm.simulated import UR5E_LIMITS
from regard.world.safety.limits import ASSISTIVE
from regard.world.safety.watchdog import PERIOD_S, Watchdog
from regard.world.scene import build_scene
from regard.world.scene_config import SceneConfig
from regard.world.world import World

REST_RAD_S = 0.02
MAX_MOTION_S = 0.6


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints the rows, and writes them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stops", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the measured commit, where there is no git")
    arguments = parser.parse_args(argv)
    scene = build_scene(
        seed=arguments.seed, config=SceneConfig(num_objects=0, num_look_alike_pairs=0)
    )
    world = World(scene, menagerie(), limits=ASSISTIVE, visuals=False)
    generator = numpy_generator(arguments.seed, "stops")
    latencies = []
    with progress_bar("stops", arguments.stops) as advance:
        for _ in range(arguments.stops):
            latencies.append(_stop_once(world, generator))
            advance(1)
    rows = _measurements(latencies, seed=arguments.seed)
    for row in rows:
        print(f"{row.metric} {row.value:.4f} {row.unit} n={row.n}")
    if arguments.write:
        command = f"python -m benchmarks.world.stop_latency --stops {arguments.stops}"
        command += f" --seed {arguments.seed} --write"
        write_rows("world", rows, command=command, seed=arguments.seed, commit=arguments.commit)
    return 0


def _measurements(latencies: Sequence[float], *, seed: int) -> list[Measurement]:
    """The slowest, the median, and the share that came too late."""
    notes = (
        "simulated time from the request to every joint below 0.02 rad/s, the watchdog's longest "
        "wait of 10 ms added; all joints in random motion up to their limits"
    )
    late = sum(value > ASSISTIVE.stop_within_s for value in latencies)
    share = wilson_interval(late, len(latencies))
    median = bootstrap_interval(
        latencies, seed=seed, statistic=lambda sample: float(np.median(sample))
    )
    # No interval: the slowest of so many says nothing of the slowest of more; `late` does.
    figures = (
        ("latency.max", max(latencies), "s", None, ""),
        ("latency.median", median.value, "s", median, "; 95 % bootstrap"),
        ("late", share.value, "1", share, "; 95 % Wilson"),
    )
    return [
        Measurement(
            metric=f"world.stop.{name}",
            value=value,
            unit=unit,
            n=len(latencies),
            low=interval.low if interval else None,
            high=interval.high if interval else None,
            notes=notes + method,
            extra_versions=package_versions(("mujoco", "mink")),
        )
        for name, value, unit, interval, method in figures
    ]


def _stop_once(world: World, generator: np.random.Generator) -> float:
    """Seconds from one request to rest."""
    world.physics.data.qpos[:] = world.physics.model.qpos0
    world.stand_at_home()
    world.arm.reset()
    limit = np.asarray(UR5E_LIMITS.velocity_rad_s)
    world.arm.command_velocity(generator.uniform(-limit, limit))
    world.physics.step(1 + int(generator.uniform(0, MAX_MOTION_S) / world.physics.timestep_s))
    watchdog = Watchdog(
        world.arm, limits=ASSISTIVE, last_command_s=lambda: None, after_stop=lambda: None
    )
    watchdog.request_stop("benchmark")
    watchdog.look()
    start_s = world.physics.time_s
    while np.abs(world.arm.state().velocity_rad_s).max() > REST_RAD_S:
        world.physics.step()
        assert world.physics.time_s - start_s < 2.0, "the arm never came to rest"
    return world.physics.time_s - start_s + PERIOD_S


if __name__ == "__main__":
    sys.exit(main())
