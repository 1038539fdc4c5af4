"""`regard world run`: one skill, live, under the watchdog."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from regard.common.errors import UserError

EXAMPLE = "regard world run fetch object=mug_1 --require mug"


def main(argv: Sequence[str]) -> int:
    """Runs the skill in real time; 1 if it failed."""
    arguments = _parser().parse_args(argv)
    values = dict(_pair(text) for text in arguments.values)
    from regard.world.arm.assets import menagerie
    from regard.world.safety.limits import ASSISTIVE
    from regard.world.scene_options import SceneOptions
    from regard.world.skills.live import LiveArm, stopped_by_interrupt
    from regard.world.skills.perception import RGBD_NOISE, Perception
    from regard.world.skills.registry import skills
    from regard.world.world import World

    known = skills()
    if arguments.skill not in known:
        raise UserError(f"no skill {arguments.skill!r}; there is: {', '.join(known)}")
    options = SceneOptions(
        seed=arguments.seed, objects=arguments.objects, require=tuple(arguments.require)
    )
    world = World(options.build(), menagerie(), limits=ASSISTIVE, visuals=False)
    perception = Perception(world.physics, noise=RGBD_NOISE, seed=arguments.seed)

    def report(share: float, words: str) -> None:
        print(f"{share:4.0%}  {words}", file=sys.stderr, flush=True)

    live = LiveArm(world, limits=ASSISTIVE, perception=perception, report=report)
    with live, stopped_by_interrupt(live):
        outcome = live.run(known[arguments.skill], values)
    failure = None if outcome.failure is None else str(outcome.failure)
    if arguments.json:
        row = {"is_done": outcome.is_done, "failure": failure, "words": outcome.words}
        print(json.dumps(row))
    else:
        print(outcome.words)
    return 0 if outcome.is_done else 1


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name or not value:
        raise UserError(f"{text!r} is no argument of a skill; write it as object=mug_1")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="regard world run",
        description="Runs one skill in a scene in real time, watched; Ctrl-C stops the arm.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("skill", help="as `regard world skills` lists them")
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help="arguments of the skill")
    parser.add_argument("--seed", type=int, default=0, help="of the scene and the noise")
    parser.add_argument("--objects", type=int, default=6, help="how many on the table (default 6)")
    parser.add_argument("--require", nargs="+", default=[], metavar="KIND", help="must be there")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser
