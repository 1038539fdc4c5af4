"""`regard models`: list, fetch and locate the default model."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from regard.common.wheels import cache_folder
from regard.serving import default_model

EPILOG = "example: regard models pull"


def main(argv: Sequence[str]) -> int:
    """Runs one verb of `regard models`."""
    arguments = _parser().parse_args(argv)
    if arguments.verb == "pull":
        default_model.pull()
    elif arguments.verb == "path" and not default_model.is_present():
        raise default_model.DefaultModelError(
            f"{default_model.SMOLLM2.name} is not in the cache; run `regard models pull`"
        )
    _print(arguments.verb, _description(), as_json=arguments.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="regard models",
        description="The default model, and where it lies. Any model folder, GGUF file or "
        "Hugging Face id can take its place: regard serve --model NAME.",
        epilog=EPILOG,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|pull|path")
    for verb, summary in (
        ("list", "show the model and whether it is in the cache"),
        ("pull", "fetch it, or check the SHA-256 of the one in the cache"),
        ("path", "print where it lies; exit 1 when it is absent"),
    ):
        example = f"example: regard models {verb}"
        child = verbs.add_parser(verb, help=summary, description=summary, epilog=example)
        child.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _description() -> dict[str, Any]:
    model = default_model.SMOLLM2
    return {
        "name": model.name,
        "is_default": True,
        "is_present": default_model.is_present(),
        "path": str(model.weights_path(cache_folder())),
        "bytes": model.weights_bytes,
        "sha256": model.weights_sha256,
        "source": model.requirement,
        "license": "Apache-2.0",
    }


def _print(verb: str, description: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([description] if verb == "list" else description, indent=2))
    elif verb == "list":
        state = "in the cache" if description["is_present"] else "not fetched yet"
        size = f"{description['bytes'] / 1e6:.0f} MB"
        print(f"{description['name']}  (default)  {size}  {description['license']}  {state}")
    else:
        print(description["path"])
