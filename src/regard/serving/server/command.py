"""`regard serve`."""

import json
import os
import socket
import sys
from collections.abc import Sequence

from regard.serving.server.contract import ServingEngine
from regard.serving.server.options import LOOPBACK, ServeOptions, parse_options

EXAMPLE_MESSAGE = {"role": "user", "content": "Name three uses of a robot arm."}
EXAMPLE_MAX_TOKENS = 64


def main(argv: Sequence[str]) -> int:
    """Loads a model and serves it until SIGTERM or Ctrl-C.

    Raises:
        ListenError: the port is taken.
        WeightsError: a model file cannot be used; the command line prints it in one line.
    """
    options = parse_options(argv)
    if options.torchrun:
        from regard.serving.afd.torchrun import become_instance, read_rank

        rank = read_rank(os.environ)
        if rank.number > 0:
            return become_instance(rank)
    # What follows loads torch, which --help and a wrong flag need not wait for.
    from regard.serving.server.lifecycle import bind, run_server

    with bind(options.host, options.port) as listener:
        if options.host not in (LOOPBACK, "localhost", "::1") and options.api_key is None:
            print(
                f"warning: {options.host} can be reached from other machines and there is no "
                "--api-key",
                file=sys.stderr,
            )
        engine = _make_engine(options)
        return run_server(
            engine,
            options.server_config,
            listener,
            grace_seconds=options.shutdown_grace_seconds,
            log_level=options.uvicorn_log_level,
            on_ready=lambda: print(ready_message(options, engine, listener), flush=True),
        )


def _make_engine(options: ServeOptions) -> ServingEngine:
    """In one piece, or as instances."""
    if options.afd is None:
        from regard.serving.async_engine import AsyncEngine

        return AsyncEngine.from_config(options.engine_config)
    from regard.serving.afd.service import make_service

    return make_service(options.engine_config, options.afd_config)


def ready_message(options: ServeOptions, engine: ServingEngine, listener: socket.socket) -> str:
    """What to know once the port answers: address, models and a command to try."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}/v1"
    key = "" if options.api_key is None else " -H 'Authorization: Bearer KEY'"
    body = {
        "model": engine.model_names[0],
        "messages": [EXAMPLE_MESSAGE],
        "max_tokens": EXAMPLE_MAX_TOKENS,
    }
    return "\n".join(
        [
            f"serving {', '.join(engine.model_names)} at {url}",
            f"context: {engine.max_model_len} tokens; stop with Ctrl-C; try:",
            f"  curl {url}/chat/completions -H 'Content-Type: application/json'{key} \\",
            f"    -d '{json.dumps(body)}'",
        ]
    )
