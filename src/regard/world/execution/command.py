"""`regard world bench`: given the right intent, does physics end as it should?"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

EXAMPLE = "regard world bench --trials 55 --seed 0 --workers 4 --json"


def main(argv: Sequence[str]) -> int:
    """Runs the benchmark and prints its figures."""
    arguments = _parser().parse_args(argv)
    # A scene is too small to gain from more threads than one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from regard.world.arm.assets import menagerie
    from regard.world.execution.bench import BenchConfig, run_bench, summarise

    config = BenchConfig(
        trials=arguments.trials,
        seed=arguments.seed,
        held_out=arguments.held_out,
        workers=arguments.workers,
        ray=arguments.ray,
        records=arguments.records,
    )
    rows = run_bench(config, menagerie=menagerie(), progress=not arguments.json)
    summary = summarise(rows, seed=config.seed)
    if arguments.json:
        print(json.dumps({**summary, "held_out": config.held_out}))
    else:
        _print(summary)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="regard world bench",
        description="Runs the right plan of household tasks in random scenes, and reads from the "
        "simulated state whether each ended as it should.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("--trials", type=_positive, default=55, help="how many (default 55)")
    parser.add_argument("--seed", type=int, default=0, help="of scenes, tasks and noise")
    parser.add_argument("--held-out", action="store_true", help="use the held-out objects")
    parser.add_argument("--workers", type=_positive, default=1, help="processes (default 1)")
    parser.add_argument("--ray", metavar="ADDRESS", help="run on a Ray cluster: auto, host:port")
    parser.add_argument(
        "--records",
        type=Path,
        metavar="FILE",
        help="append every trial to this JSONL file, and go on from it",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _print(summary: dict[str, Any]) -> None:
    print(f"{'family':<14} trials  success  95 % interval   collateral")
    lines = {**summary["families"], "all": summary}
    for name, each in lines.items():
        print(
            f"{name:<14} {each['trials']:>6}  {each['success_rate']:>6.1%}  "
            f"{each['low']:.1%} to {each['high']:.1%}  {each['collateral_rate']:>6.1%}"
        )
