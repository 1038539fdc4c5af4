"""`regard cloth demos`: record demonstrations."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from regard.cloth.conditions import RANGES
from regard.cloth.demonstrations.collection import collect
from regard.cloth.demonstrations.settings import DemonstrationSettings
from regard.cloth.engines import ENGINES
from regard.cloth.errors import ClothError
from regard.cloth.policies.registry import POLICIES, make_policy
from regard.cloth.tasks import TASKS
from regard.common.progress import progress_bar

EXAMPLE = (
    "regard cloth demos --task fold-axis --policy nmpc --successes 100 --workers 2 --out demos"
)


def main(argv: Sequence[str]) -> int:
    """Records demonstrations until enough of them succeeded."""
    options = _parser().parse_args(argv)
    if options.successes < 1 or options.workers < 1:
        raise ClothError(
            f"--successes {options.successes} --workers {options.workers}: give at least 1 of each"
        )
    make_policy(options.policy)  # A wrong name is said before anything is simulated.
    settings = DemonstrationSettings(
        task=options.task,
        policy=options.policy,
        engine=options.engine,
        ranges=options.ranges,
        seed=options.seed,
    )
    with progress_bar(f"{options.task} by {options.policy}", options.successes) as advance:
        collected = collect(
            settings, options.successes, options.out, workers=options.workers, advance=advance
        )
    if options.json:
        figures = {
            "dataset": str(collected.dataset),
            "failures": str(collected.failures),
            "num_successes": collected.num_successes,
            "num_failures": collected.num_failures,
        }
        print(json.dumps(figures))
    else:
        print(
            f"{collected.num_successes} demonstrations in {collected.dataset}; "
            f"{collected.num_failures} failures kept apart in {collected.failures}"
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="regard cloth demos",
        description="Record episodes until enough of them succeeded. Successes and failures "
        "become two Minari datasets. What was interrupted is continued by the same command. "
        "`scripted_noisy` stands in for an unsteady hand; it is a script, not human data.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("--task", required=True, choices=tuple(TASKS))
    parser.add_argument("--policy", default="nmpc", help=f"one of {', '.join(POLICIES)}")
    parser.add_argument("--engine", default=ENGINES[0], choices=ENGINES)
    parser.add_argument("--ranges", default="training", choices=tuple(RANGES))
    parser.add_argument("--successes", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser
