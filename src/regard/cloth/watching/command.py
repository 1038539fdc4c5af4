"""`regard cloth watch`: a clip of one episode."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from regard.cloth.conditions import RANGES
from regard.cloth.engines import ENGINES
from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.errors import ClothError
from regard.cloth.evaluation.rollout import EpisodeResult, episode_seed, run_episode
from regard.cloth.policies.registry import POLICIES, make_policy
from regard.cloth.tasks import TASKS
from regard.cloth.watching.clip import (
    Picture,
    captioned,
    check_clip_path,
    default_suffix,
    write_clip,
)
from regard.common.progress import progress_bar

EXAMPLE = "regard cloth watch --task fold-axis --policy scripted --out fold.gif"


def main(argv: Sequence[str]) -> int:
    """Runs one episode and writes its clip."""
    parser = _parser()
    options = parser.parse_args(argv)
    path = options.out
    if path is None:
        path = Path(f"{options.task}-{Path(options.policy).stem}{default_suffix()}")
    try:
        check_clip_path(path)
        policy = make_policy(options.policy)
    except ClothError as error:
        parser.error(str(error))
    env = ClothEnv(
        options.task, engine=options.engine, ranges=options.ranges, render_mode="rgb_array"
    )
    pictures: list[Picture] = []
    with progress_bar(f"{options.task} by {options.policy}", env.task.horizon) as advance:

        def film(seen: ClothEnv) -> None:
            pictures.append(_picture(seen, options.policy))
            advance(1)

        seed = episode_seed(options.seed, 0)
        result = run_episode(env, policy, index=0, seed=seed, watch=film)
    write_clip(pictures, path, frames_per_second=env.metadata["render_fps"])
    _report(result, path, as_json=options.json)
    return 0


def _picture(env: ClothEnv, policy: str) -> Picture:
    picture = env.render()
    assert picture is not None
    episode = env.episode
    verdict = ""
    if episode.is_over:
        verdict = ", success" if episode.judgement.is_success else ", no success"
    text = f"{env.task.name}, {policy}: step {episode.step}, performance {episode.progress:.2f}"
    return captioned(picture, text + verdict)


def _report(result: EpisodeResult, path: Path, *, as_json: bool) -> None:
    if as_json:
        figures = {
            "clip": str(path),
            "is_success": result.is_success,
            "normalized_performance": result.normalized_performance,
            "reward": result.reward,
            "steps": result.steps,
        }
        print(json.dumps(figures))
        return
    outcome = "success" if result.is_success else "no success"
    print(
        f"{path}: {outcome} after {result.steps} steps, "
        f"normalized performance {result.normalized_performance:.3f}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="regard cloth watch",
        description="Run a policy in one fresh episode and write a clip of it.",
        epilog=f"example: {EXAMPLE}",
    )
    parser.add_argument("--task", default="fold-diagonal", choices=tuple(TASKS))
    parser.add_argument(
        "--policy", default="scripted", help=f"one of {', '.join(POLICIES)}; or a saved one's path"
    )
    parser.add_argument("--engine", default=ENGINES[0], choices=ENGINES)
    parser.add_argument("--ranges", default="training", choices=tuple(RANGES))
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=".mp4 (needs ffmpeg), .webp or .gif"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser
