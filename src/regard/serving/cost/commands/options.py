"""Options that several verbs share, and what they mean."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from regard.serving.cost.accelerators import Accelerator, choose, read_accelerators
from regard.serving.cost.analysis import NO_SPECULATION, Speculation
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.data_files import read_shipped
from regard.serving.cost.errors import CostError
from regard.serving.cost.model_choice import FormatChoice, choose_model, choose_models
from regard.serving.cost.precision import Precision, parse_precision

KIBI = 1024


def new_parser(verb: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser whose help ends with an example."""
    return argparse.ArgumentParser(
        prog=f"regard cost {verb}", description=description, epilog=f"example: {example}"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """--json and --csv."""
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON")
    output.add_argument("--csv", action="store_true", help="print comma-separated values")


def add_formats(parser: argparse.ArgumentParser) -> None:
    """--weights, --kv, --state and --family."""
    choices = "|".join(Precision)
    parser.add_argument("--weights", metavar=choices, help="format of weights and their arithmetic")
    parser.add_argument("--kv", metavar=choices, help="format of the KV cache and its arithmetic")
    parser.add_argument("--state", metavar=choices, help="format of linear attention's state")
    parser.add_argument("--family", help="read a config.json as this model_type")


def add_models(parser: argparse.ArgumentParser) -> None:
    """--models with its formats."""
    parser.add_argument(
        "--models",
        nargs="+",
        default=["paper"],
        metavar="MODEL",
        help="names, `paper` (the nine of the Step-3 report, the default), `all`, or the path of "
        "a config.json",
    )
    add_formats(parser)


def add_prices(parser: argparse.ArgumentParser) -> None:
    """--accelerators-file and --price."""
    parser.add_argument(
        "--accelerators-file", type=Path, help="a YAML file of your own, on top of the shipped one"
    )
    parser.add_argument(
        "--price",
        action="append",
        default=[],
        metavar="NAME=USD",
        help="dollars an hour for one accelerator; may be repeated",
    )


def add_accelerators(parser: argparse.ArgumentParser) -> None:
    """--accelerators with prices."""
    parser.add_argument(
        "--accelerators",
        nargs="+",
        default=["paper"],
        metavar="NAME",
        help="names, `paper` (the report's four, the default), or `all` that have a price",
    )
    add_prices(parser)


def add_context(parser: argparse.ArgumentParser, *, default: int) -> None:
    """--context."""
    parser.add_argument(
        "--context", type=tokens, default=default, help="tokens in the cache, such as 8192 or 8k"
    )


def add_speculation(parser: argparse.ArgumentParser) -> None:
    """--drafted and --acceptance."""
    parser.add_argument("--drafted", type=int, default=0, help="drafted tokens verified in a step")
    parser.add_argument("--acceptance", type=float, help="chance that a drafted token is kept")


def tokens(text: str) -> int:
    """A number of tokens; `8k` is 8,192 as in the report."""
    plain = text.lower().removesuffix("k")
    try:
        return int(plain) * (KIBI if text.lower().endswith("k") else 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of tokens") from None


def chosen_formats(arguments: argparse.Namespace) -> FormatChoice:
    """What --weights, --kv and --state ask for."""
    names = (arguments.weights, arguments.kv, arguments.state)
    weights, kv, state = (None if name is None else parse_precision(name) for name in names)
    return FormatChoice(weights=weights, kv=kv, state=state)


def chosen_models(arguments: argparse.Namespace) -> list[Architecture]:
    """What --models asks for."""
    return choose_models(arguments.models, chosen_formats(arguments), family=arguments.family)


def chosen_model(arguments: argparse.Namespace) -> Architecture:
    """What --model asks for."""
    return choose_model(arguments.model, chosen_formats(arguments), family=arguments.family)


def chosen_speculation(arguments: argparse.Namespace) -> Speculation:
    """What --drafted and --acceptance ask for.

    Raises:
        CostError: Tokens are drafted, but nothing says how many are kept.
    """
    if arguments.drafted == 0:
        return NO_SPECULATION
    if arguments.acceptance is None:
        raise CostError("--drafted needs --acceptance: the cost depends on how many are kept")
    return Speculation(num_drafted=arguments.drafted, acceptance=arguments.acceptance)


def available_accelerators(arguments: argparse.Namespace) -> Mapping[str, Accelerator]:
    """All accelerators, with the prices that --price gives.

    Raises:
        CostError: A price is malformed or names no accelerator.
    """
    available = dict(read_accelerators(arguments.accelerators_file))
    for given in arguments.price:
        name, _, usd = given.partition("=")
        try:
            price = float(usd)
        except ValueError:
            raise CostError(f"--price {given}: write NAME=USD, such as h100=2.50") from None
        accelerator = choose(available, name)
        available[accelerator.name] = accelerator.with_price(price)
    return available


def chosen_accelerators(arguments: argparse.Namespace) -> list[Accelerator]:
    """What --accelerators asks for."""
    available = available_accelerators(arguments)
    priced = [name for name, each in available.items() if each.usd_per_hour is not None]
    groups = {"all": priced, "paper": read_shipped("paper.yaml")["accelerators"]}
    names = [each for name in arguments.accelerators for each in groups.get(name.lower(), [name])]
    return [choose(available, name) for name in dict.fromkeys(names)]
