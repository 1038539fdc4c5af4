"""`regard tradeoffs run`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.design import Cell
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.estimate import Estimate, estimate, read_price
from regard.tradeoffs.plan import read_plan
from regard.tradeoffs.preflight import ModelChoice, Probe, check_masses, check_model
from regard.tradeoffs.run import RunOptions, missing, run

PROGRAM = "regard tradeoffs run"
DEFAULT_MODEL = "openai-api/regard/smollm2-135m-instruct"
LOG_ROOT = Path("runs/tradeoffs")
CONNECTIONS = 8


@dataclass(frozen=True, kw_only=True)
class RunCommandOptions:
    """Ask a model what a plan says, or go on where a run of it stopped.

    A model is named as Inspect names it: openai/gpt-4o, anthropic/..., openai-api/SERVICE/MODEL.
    openai-api/regard/... is this project's own server at its default address (regard serve);
    respondent/KIND is a simulated player, respondent/trade-off for one. A few one-token calls
    come first and show what would go wrong; nothing else is spent before they pass.

    Example: regard tradeoffs run plan.json --model openai-api/regard/smollm2-135m-instruct
    """

    plan: Annotated[Path, tyro.conf.Positional]
    """The plan, from regard tradeoffs plan --out FILE."""
    model: str = DEFAULT_MODEL
    """Whom to ask."""
    base_url: str | None = None
    """Address of the API, http://127.0.0.1:8000/v1 for one."""
    model_args: tuple[str, ...] = ()
    """Further arguments of the provider, NAME=VALUE."""
    log_dir: Path | None = None
    """Folder of this run's logs; by default one named for the plan and the model."""
    connections: int = CONNECTIONS
    """Calls at once."""
    prices: Path | None = None
    """TOML file with the model's prices; without it, no cost is stated."""
    estimate_only: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Say what it would take in calls, tokens and money, and ask nothing; a time takes a call."""
    accept_low_mass: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Read log-probabilities although the labels carry little of the first token."""
    commit: str | None = None
    """Commit for the logs where git cannot tell it."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON instead of text."""


def main(argv: Sequence[str]) -> int:
    """Asks a model and says where the logs are.

    Raises:
        TradeoffsError: The plan, the model, its endpoint or the log folder cannot be used.
    """
    options = tyro.cli(RunCommandOptions, prog=PROGRAM, args=list(argv))
    if options.connections < 1:
        raise TradeoffsError(f"--connections {options.connections}: at least 1")
    plan = read_plan(options.plan)
    choice = ModelChoice(
        name=options.model, base_url=options.base_url, arguments=parse_arguments(options.model_args)
    )
    log_dir = options.log_dir or LOG_ROOT / plan.digest()[:12] / choice.name.replace("/", "_")
    asked = missing(plan, choice.name, log_dir)
    size = estimate(plan, asked)
    done = {"log_dir": str(log_dir), **_size(size, options)}
    if not asked or options.estimate_only:
        _print(done, options, "everything is answered" if not asked else "nothing was asked")
        return 0
    probe = check_model(choice, plan, _cells(asked))
    if not options.accept_low_mass:
        check_masses(probe, Criteria())
    _announce(done, size, probe, options)
    run_options = RunOptions(
        log_dir=log_dir,
        connections=options.connections,
        commit=options.commit,
        display="rich" if sys.stderr.isatty() and not options.json else "none",
    )
    paths = run(plan, choice, asked, run_options)
    _print({**done, "logs": [str(path) for path in paths]}, options, "done")
    return 0


def parse_arguments(pairs: Sequence[str]) -> tuple[tuple[str, Any], ...]:
    """Reads NAME=VALUE; numbers and true or false as JSON has them.

    Raises:
        TradeoffsError: There is no =.
    """
    found: list[tuple[str, Any]] = []
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator or not name:
            raise TradeoffsError(f"--model-args {pair!r}: write NAME=VALUE")
        try:
            found.append((name, json.loads(text)))
        except json.JSONDecodeError:
            found.append((name, text))
    return tuple(found)


def _cells(asked: Sequence[tuple[Cell, int]]) -> list[Cell]:
    return [cell for cell, _ in asked]


def _size(size: Estimate, options: RunCommandOptions) -> dict[str, Any]:
    content: dict[str, Any] = {
        "model": options.model,
        "calls": size.calls,
        "input_tokens": round(size.input_tokens),
        "output_tokens": round(size.output_tokens),
        "most_output_tokens": round(size.most_output_tokens),
    }
    if options.prices is not None:
        price = read_price(options.prices, options.model)
        least, most = size.cost(price)
        content |= {"cost": least, "most_cost": most, "currency": price.currency}
    return content


def _announce(
    done: dict[str, Any], size: Estimate, probe: Probe, options: RunCommandOptions
) -> None:
    """Says on standard error what is about to be spent, while it can still be stopped."""
    seconds = size.seconds(probe.seconds, options.connections)
    print(
        f"{options.model}: {_words(done)}; {seconds / 60:.1f} minutes or more, at "
        f"{probe.seconds:.2f} s a call of one token; logs in {done['log_dir']}",
        file=sys.stderr,
    )


def _print(content: dict[str, Any], options: RunCommandOptions, state: str) -> None:
    if options.json:
        print(json.dumps({**content, "state": state}, indent=2))
        return
    print(f"{state}: {_words(content)}; logs in {content['log_dir']}")


def _words(content: dict[str, Any]) -> str:
    """Calls, tokens and cost of an estimate, each with the most that it can come to."""
    cost = ""
    if "cost" in content:
        cost = f", {content['cost']:.2f} to {content['most_cost']:.2f} {content['currency']}"
    return (
        f"{content['calls']} calls, about {content['input_tokens']} tokens in and "
        f"{content['output_tokens']} out (at most {content['most_output_tokens']}){cost}"
    )
