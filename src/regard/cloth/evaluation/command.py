"""`regard cloth evaluate`: how often a policy succeeds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from regard.cloth.conditions import RANGES
from regard.cloth.engines import ENGINES
from regard.cloth.errors import ClothError
from regard.cloth.evaluation.rollout import Job, Setting, run_jobs, summary
from regard.cloth.policies.registry import POLICIES, make_policy
from regard.cloth.tasks import TASKS
from regard.common.progress import progress_bar

EXAMPLE = "regard cloth evaluate --task fold-axis --policy nmpc --episodes 30 --seed 0 --json"


def main(argv: Sequence[str]) -> int:
    """Evaluates one policy on one task and prints the figures."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        make_policy(options.policy)  # A wrong name is said before anything is simulated.
    except ClothError as error:
        parser.error(str(error))
    setting = Setting(
        task=options.task, policy=options.policy, engine=options.engine, ranges=options.ranges
    )
    results = []
    with progress_bar(f"{options.task} by {options.policy}", options.episodes) as advance:
        jobs = [Job(setting, index, options.seed) for index in range(options.episodes)]
        for _, result in run_jobs(jobs, workers=options.workers):
            results.append(result)
            advance(1)
    figures = summary(sorted(results, key=lambda each: each.index))
    asked = {name: getattr(options, name) for name in ("task", "policy", "engine", "ranges")}
    asked |= {"episodes": options.episodes, "seed": options.seed}
    if options.json:
        print(json.dumps(asked | dict(figures)))
    else:
        rate, low, high = (100 * figures[key] for key in ("success_rate", "low", "high"))
        print(
            f"{options.task} by {options.policy} in {options.engine}, {options.ranges} ranges: "
            f"success {rate:.1f} % [{low:.1f}, {high:.1f}] of {options.episodes}, "
            f"normalized performance {figures['normalized_performance']:.3f}, "
            f"reward {figures['reward']:.3f}"
        )
    return 0


def positive(text: str) -> int:
    """A whole number of at least 1, from the command line."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="regard cloth evaluate",
        description="Run a policy in fresh episodes and print how often it succeeds, with the "
        "95 % Wilson interval, SoftGym's normalised performance and the mean return.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("--task", required=True, choices=tuple(TASKS))
    parser.add_argument(
        "--policy", required=True, help=f"one of {', '.join(POLICIES)}; or a saved one's path"
    )
    parser.add_argument("--engine", default=ENGINES[0], choices=ENGINES)
    parser.add_argument("--ranges", default="training", choices=tuple(RANGES))
    parser.add_argument("--episodes", type=positive, default=30, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="processes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser
