"""The command line: `regard <system> <verb>`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

from regard import __version__
from regard.common.errors import UserError
from regard.serving.errors import ServingError

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class Command(NamedTuple):
    """One entry of the command line, imported when it is asked for."""

    target: str
    """Where it lives: `module:function`; the function takes the arguments, returns the status."""

    summary: str
    """What it does, in one line."""


COMMANDS = MappingProxyType(
    {
        "serve": Command(
            "regard.serving.server.command:main", "Serve a model over an OpenAI-compatible API"
        ),
        "chat": Command("regard.serving.chat:main", "Talk to a model in the terminal"),
        "bench": Command("regard.serving.bench.command:main", "Measure the engine or a server"),
        "afd": Command(
            "regard.serving.afd.command:main", "Report on and simulate attention-FFN disaggregation"
        ),
        "cost": Command(
            "regard.serving.cost.command:main", "What a decoded token costs: models, accelerators"
        ),
        "models": Command(
            "regard.serving.models_command:main", "List, fetch and locate the default model"
        ),
        "tradeoffs": Command(
            "regard.tradeoffs.command:main", "What would the model trade? The points game"
        ),
        "cloth": Command("regard.cloth.command:main", "Fold and flatten simulated cloth"),
        "world": Command(
            "regard.world.command:main", "The simulated table: arm, objects, skills, benchmark"
        ),
        "results": Command("regard.common.results_command:main", "List the committed result rows"),
        "stack": Command("regard.stack:main", "Run the systems together: model, server, answer"),
    }
)

EXAMPLE = "regard serve --port 8000"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help_text())
        return EXIT_OK if arguments else EXIT_USAGE
    if arguments[0] == "--version":
        print(f"regard {__version__}")
        return EXIT_OK
    name = arguments[0]
    if name not in COMMANDS:
        print(
            f"error: unknown command {name!r}; choose one of: {', '.join(COMMANDS)}",
            file=sys.stderr,
        )
        return EXIT_USAGE
    return _run(COMMANDS[name], arguments[1:])


def _help_text() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: regard <command> ... [--help]",
            "",
            "commands:",
            *lines,
            "",
            "options:",
            "  --version  print the version",
            "  --help     on every level: what there is, with an example",
            "",
            f"example: {EXAMPLE}",
        ]
    )


def _run(command: Command, arguments: Sequence[str]) -> int:
    module_name, function_name = command.target.split(":")
    try:
        function = getattr(importlib.import_module(module_name), function_name)
        status = function(arguments)
    except (UserError, ServingError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except SystemExit as stop:
        return _status_of(stop)
    except BrokenPipeError:
        # The reader of our output has gone (`regard results | head`); nothing is left to say.
        sys.stderr.close()
        return EXIT_FAILED
    return int(status)


def _status_of(stop: SystemExit) -> int:
    if stop.code is None:
        return EXIT_OK
    if isinstance(stop.code, int):
        return stop.code
    print(f"error: {stop.code}", file=sys.stderr)
    return EXIT_FAILED
