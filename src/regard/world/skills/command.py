"""`regard world skills`: what the arm can do, and what each skill is told."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

EXAMPLE = "regard world skills --json"


def main(argv: Sequence[str]) -> int:
    """Lists the skills."""
    arguments = _parser().parse_args(argv)
    from regard.world.skills.registry import skills

    known = skills()
    if arguments.json:
        rows = [
            {"name": name, "summary": skill.summary, "arguments": skill.arguments.schema()}
            for name, skill in known.items()
        ]
        print(json.dumps(rows))
        return 0
    for name, skill in known.items():
        words = " ".join(skill.arguments.schema()["required"])
        print(f"{name:<10} {words:<18} {skill.summary}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="regard world skills",
        description="Lists the skills of the arm, and what each is told.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("--json", action="store_true", help="with the schema of the arguments")
    return parser
