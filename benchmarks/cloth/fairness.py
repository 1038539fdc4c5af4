"""Whether the cloth tasks can be solved, and are not given away.

Each policy in the same fresh episodes, in the training and the held-out ranges. Every episode is a
line of episodes.jsonl in the folder of --out: a run that was stopped goes on, and lines from
folders named by --from count too, so that parts (--part 1/4) may run on other machines.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from os import SEEK_END
from pathlib import Path

from regard.cloth.conditions import RANGES
from regard.cloth.evaluation.rollout import EpisodeResult, Job, Setting, run_jobs
from regard.cloth.protocol import digest, protocol_of
from regard.cloth.tasks import TASKS
from regard.common.errors import UserError
from regard.common.progress import progress_bar
from regard.common.rows import Measurement, write_rows
from regard.common.statistics import bootstrap_interval, wilson_interval

POLICIES = ("do_nothing", "random", "scripted", "nmpc", "oracle")
METRIC_SUFFIX = {"training": "", "held-out": "_held_out"}
LEVELS = (0.8, 0.9, 0.95)
"""Coverages that are reported beside the criterion."""
OUT = Path("runs/cloth_fairness")
"""Ignored by git: a run leaves the tree clean."""
EPISODES_FILE = "episodes.jsonl"
SEED = 0

Results = dict[Job, EpisodeResult]


def read_results(folders: Iterable[Path]) -> Results:
    """All finished episodes; a line that a kill cut off is passed over.

    Raises:
        UserError: An episode was run under another protocol.
    """
    expected = {task: digest(protocol_of(task)) for task in TASKS}
    found: Results = {}
    for path in (folder / EPISODES_FILE for folder in folders):
        if not path.is_file():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            task = entry["setting"]["task"]
            if entry["protocol"] != expected[task]:
                raise UserError(
                    f"{path} holds episodes of another protocol of {task} "
                    f"({entry['protocol'][:12]}, now {expected[task][:12]}): take another folder"
                )
            result = EpisodeResult(**entry["result"])
            job = Job(Setting(**entry["setting"]), result.index, entry["evaluation_seed"])
            found.setdefault(job, result)
    return found


def append_result(folder: Path, job: Job, result: EpisodeResult) -> None:
    """Writes one line; on a line of its own even after a kill in the middle of one."""
    entry = {
        "protocol": digest(protocol_of(job.setting.task)),
        "setting": asdict(job.setting),
        "evaluation_seed": job.seed,
        "result": asdict(result),
    }
    with (folder / EPISODES_FILE).open("ab+") as file:
        if file.seek(0, SEEK_END):
            file.seek(-1, SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(entry).encode() + b"\n")


def run_missing(jobs: Sequence[Job], done: Results, folder: Path, *, workers: int) -> Results:
    """Runs what is not done, and returns everything."""
    missing = [job for job in jobs if job not in done]
    folder.mkdir(parents=True, exist_ok=True)
    with progress_bar("episodes", len(missing)) as advance:
        for job, result in run_jobs(missing, workers=workers):
            append_result(folder, job, result)
            done[job] = result
            advance(1)
    return done


def measurements(setting: Setting, results: Sequence[EpisodeResult]) -> list[Measurement]:
    """Success and SoftGym's normalised performance of one setting."""
    count, cpu = len(results), sum(each.cpu_seconds for each in results)
    success = wilson_interval(sum(each.is_success for each in results), count)
    performances = [each.normalized_performance for each in results]
    mean = bootstrap_interval(performances, seed=SEED)
    covered = [each.coverage for each in results if each.coverage is not None]
    shares = ", ".join(
        f"{level:.2f} in {sum(each >= level for each in covered) / count:.3f}" for level in LEVELS
    )
    name = f"{METRIC_SUFFIX[setting.ranges]}/{setting.task}/{setting.policy}"
    notes = (
        f"{setting.engine}, {setting.ranges} ranges; {sum(r.diverged for r in results)} exploded; "
        f"{sum(r.num_grasps for r in results) / count:.1f} grasps, "
        f"{sum(r.steps for r in results) / count:.0f} control steps and {cpu / count:.1f} CPU "
        f"seconds an episode; {f'coverage >= {shares}; ' * bool(covered)}"
        f"protocol {digest(protocol_of(setting.task))[:12]}; 95 % "
    )
    return [
        Measurement(
            metric=f"cloth_success{name}",
            value=success.value,
            unit="1",
            n=count,
            low=success.low,
            high=success.high,
            notes=f"{notes}Wilson",
        ),
        Measurement(
            metric=f"cloth_performance{name}",
            value=mean.value,
            unit="1",
            n=count,
            low=mean.low,
            high=mean.high,
            notes=f"SoftGym's normalised performance, mean; {notes}bootstrap",
        ),
    ]


def complete_measurements(
    settings: Sequence[Setting], results: Mapping[Job, EpisodeResult], *, episodes: int, seed: int
) -> list[Measurement]:
    """Of the settings all of whose episodes are done; says which are not."""
    rows = []
    for setting in settings:
        jobs = [Job(setting, index, seed) for index in range(episodes)]
        done = [results[job] for job in jobs if job in results]
        if len(done) == episodes:
            rows += measurements(setting, done)
        else:
            name = f"{setting.task} by {setting.policy}, {setting.ranges} ranges"
            print(f"{name}: {len(done)} of {episodes} episodes done")
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, and write rows where asked."""
    options = _parser().parse_args(argv)
    groups = [
        [
            Setting(task=task, policy=policy, engine=options.engine, ranges=ranges)
            for policy in options.policies
        ]
        for task, ranges in itertools.product(options.tasks, options.ranges)
    ]
    part, parts = (int(each) for each in options.part.split("/"))
    # All policies in one episode before the next: its start is simulated once.
    jobs = [
        Job(setting, k, options.seed)
        for group in groups
        for k in range(part - 1, options.episodes, parts)
        for setting in group
    ]
    done = read_results([options.out, *options.also])
    results = run_missing(jobs, done, options.out, workers=options.workers)
    settings = list(itertools.chain.from_iterable(groups))
    rows = complete_measurements(settings, results, episodes=options.episodes, seed=options.seed)
    for row in rows:
        print(f"{row.metric} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}] {row.notes}")
    if options.write:
        command = f"python -m benchmarks.cloth.fairness --episodes {options.episodes}"
        command += f" --seed {options.seed} --engine {options.engine} --write"
        write_rows("cloth", rows, command=command, seed=options.seed, commit=options.commit)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the episodes' lines")
    parser.add_argument(
        "--from", dest="also", type=Path, nargs="*", default=[], help="more such folders"
    )
    parser.add_argument("--tasks", nargs="+", choices=tuple(TASKS), default=tuple(TASKS))
    parser.add_argument("--policies", nargs="+", default=POLICIES)
    parser.add_argument("--ranges", nargs="+", choices=tuple(RANGES), default=tuple(RANGES))
    parser.add_argument("--engine", default="mujoco")
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--part", default="1/1", metavar="I/N", help="every N-th episode")
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the measured commit, where there is no git")
    return parser


if __name__ == "__main__":
    sys.exit(main())
