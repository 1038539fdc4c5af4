"""How fast the cloth is simulated: control steps a second, and simulated over real time.

Times are CPU times of the stepping process, so that other work on the machine disturbs them little;
the rate of several workers is by the clock. The published figure for comparison, not measured here:
a PyFleX cloth of 40 particles gave 55 frames a second on an RTX 3080, and more workers did not help
(softgym issue 47).
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from statistics import median

import numpy as np

from regard.cloth import mesh
from regard.cloth.engines import ENGINES
from regard.cloth.engines.contract import CONTROL_PERIOD, ClothEngine, ClothProperties, Hold
from regard.cloth.engines.mujoco_engine import RADIUS, MujocoEngine
from regard.cloth.engines.xpbd_engine import XpbdEngine
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.policies.scripted import ScriptedPolicy
from regard.common.progress import progress_bar
from regard.common.rows import Measurement, write_rows
from regard.common.statistics import bootstrap_interval

CARRY_STEPS = 26
FACTS_PROPERTIES = ClothProperties(
    size=0.3, areal_density=0.05 / 0.09, young=2e4, thickness=1e-3, friction=0.5
)
"""The thin cloth on which the aims of 12x and 100x real time were set."""
PYFLEX = "theirs: PyFleX, 40 particles, 55 frames/s on an RTX 3080 (softgym issue 47)"


def carried_seconds(engine: ClothEngine, properties: ClothProperties) -> float:
    """CPU seconds in which a corner is led over to the opposite one, without the reset."""
    engine.reset(properties, mesh.flat_positions(engine.resolution, properties.size, height=RADIUS))
    start = engine.positions
    across = start[-1] - start[0]
    started = time.process_time()
    for step in range(1, CARRY_STEPS + 1):
        angle = np.pi * step / CARRY_STEPS
        lift = (0.0, 0.0, 0.1 * np.sin(angle))
        engine.advance(Hold(0, start[0] + across * (1 - np.cos(angle)) / 2 + lift))
    return time.process_time() - started


def real_time_factors(
    engine: ClothEngine, properties: ClothProperties, repeats: int
) -> list[float]:
    """Simulated seconds in a CPU second, one value a repeat; the first run warms up."""
    taken = [carried_seconds(engine, properties) for _ in range(repeats + 1)][1:]
    return [CARRY_STEPS * CONTROL_PERIOD / each for each in taken]


def scripted_steps(task: str, engine: str, seconds: float) -> tuple[int, float]:
    """Control steps of scripted episodes within so many seconds of the clock, resets included."""
    env, policy = ClothEnv(task, engine=engine), ScriptedPolicy()
    env.reset(seed=0)
    env.step(env.action_space.sample())
    steps, seed, started = 0, 0, time.perf_counter()
    is_over = True
    observation = None
    while time.perf_counter() - started < seconds:
        if is_over or observation is None:
            observation, _ = env.reset(seed=seed)
            policy.begin(env, seed)
            seed += 1
        observation, _, is_over, _, _ = env.step(policy.act(observation))
        steps += 1
    return steps, time.perf_counter() - started


def _scripted_steps(arguments: tuple[str, str, float]) -> tuple[int, float]:
    return scripted_steps(*arguments)


def control_rate(task: str, engine: str, *, workers: int, seconds: float) -> float:
    """Control steps a second of all workers together."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        done = pool.map(_scripted_steps, [(task, engine, seconds)] * workers, chunksize=1)
    return sum(steps / taken for steps, taken in done)


def row(metric: str, values: Sequence[float], *, unit: str, notes: str) -> Measurement:
    """A median with its bootstrap interval."""
    interval = bootstrap_interval(values, seed=0, statistic=lambda each: float(np.median(each)))
    return Measurement(
        metric=metric,
        value=median(values),
        unit=unit,
        n=len(values),
        low=interval.low,
        high=interval.high,
        notes=f"{notes}; median, 95 % bootstrap",
    )


def measure(*, repeats: int, seconds: float) -> list[Measurement]:
    """All rows."""
    engines = {
        "mujoco/11": (MujocoEngine(11, 0.01), FACTS_PROPERTIES, "n = 11, 10 ms, thin cloth"),
        "mujoco/9": (MujocoEngine(), ClothProperties(), "n = 9, 20 ms, the tasks' own cloth"),
        "xpbd/11": (XpbdEngine(11), FACTS_PROPERTIES, "n = 11, thin cloth"),
        "xpbd/13": (XpbdEngine(), ClothProperties(), "n = 13, the tasks' own cloth"),
    }
    rows = []
    with progress_bar("measurements", len(engines) + 2 * len(ENGINES) * repeats) as advance:
        for name, (engine, properties, notes) in engines.items():
            factors = real_time_factors(engine, properties, repeats)
            notes = f"simulated seconds in a CPU second while a corner is carried; {notes}"
            rows.append(row(f"cloth_real_time_factor/{name}", factors, unit="1", notes=notes))
            advance(1)
        for engine_name in ENGINES:
            for workers in (1, 2):
                rates = []
                for _ in range(repeats):
                    rates.append(
                        control_rate("fold-axis", engine_name, workers=workers, seconds=seconds)
                    )
                    advance(1)
                notes = f"fold-axis by the script, resets included, {workers} processes; {PYFLEX}"
                name = f"cloth_control_steps_per_s/{engine_name}/{workers}"
                rows.append(row(name, rates, unit="steps/s", notes=notes))
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each rate measured")
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the measured commit, where there is no git")
    options = parser.parse_args(argv)
    rows = measure(repeats=options.repeats, seconds=options.seconds)
    for each in rows:
        print(f"{each.metric} {each.value:.1f} [{each.low:.1f}, {each.high:.1f}] {each.notes}")
    if options.write:
        command = f"python -m benchmarks.cloth.speed --repeats {options.repeats} --write"
        write_rows("cloth", rows, command=command, seed=0, commit=options.commit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
