"""`regard stack`: the systems together, each in its own process, joined by HTTP.

`run` serves a model and shows an answer; `check` asks the served model the short points game.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import TextIO

from regard.common.errors import UserError

HOST = "127.0.0.1"
DEFAULT_PORT = 8000
START_SECONDS = 300.0
ANSWER_SECONDS = 300.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.2
QUESTION = "In one sentence: what can a robot arm do for someone who cannot use their hands?"
MAX_TOKENS = 64
CHECK_FOLDER = Path("runs/check")


class StackError(UserError):
    """A part of the stack did not start or did not answer."""


def main(argv: Sequence[str]) -> int:
    """Runs one verb of `regard stack`."""
    arguments, serve_arguments = _parse(argv)
    if arguments.verb == "check" and arguments.url is not None:
        return check_served_model(arguments.url, arguments.folder, as_json=arguments.json)
    with _stopping_on_sigterm(), _serving(arguments, serve_arguments) as (server, url):
        if arguments.verb == "check":
            return check_served_model(url, arguments.folder, as_json=arguments.json)
        model = served_model(url)
        _say(f"\n> {QUESTION}")
        for piece in stream_answer(url, model, QUESTION):
            print(piece, end="", flush=True)
        print(flush=True)
        return 0 if arguments.once else _serve_on(server)


def check_served_model(url: str, folder: Path, *, as_json: bool) -> int:
    """Asks the model that a server serves the short points game and prints what was found.

    Args:
        url: Root of the server, without `/v1`.
        folder: Where plan, logs, table of cells and report go.
        as_json: Print the report instead of its summary.

    Raises:
        UserError: The server does not answer, or the folder holds another model's check.
    """
    model = served_model(url)
    # Imported late: it loads pandas, which no other verb needs.
    from regard.tradeoffs.check import REPORT_FILE, check
    from regard.tradeoffs.preflight import OWN_PREFIX, ModelChoice

    choice = ModelChoice(name=f"{OWN_PREFIX}{model}", base_url=f"{url.rstrip('/')}/v1")
    found = check(choice, folder, display="rich" if sys.stderr.isatty() and not as_json else "none")
    if as_json:
        print((folder / REPORT_FILE).read_text(encoding="utf-8"), end="")
    else:
        _say("\n".join(found.lines()))
    return 0


@contextmanager
def _serving(
    arguments: argparse.Namespace, serve_arguments: Sequence[str]
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server of our own that answers, and its address; it is stopped on the way out."""
    port = _choose_port(arguments.port)
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "regard", "serve", "--model", arguments.model]
    command += ["--host", HOST, "--port", str(port), *serve_arguments]
    # What a check prints may be JSON.
    out = sys.stderr if arguments.verb == "check" else sys.stdout
    print(f"starting the server: {' '.join(['regard', *command[3:]])}", file=out, flush=True)
    with _running(command, stdout=out) as server:
        _wait_until_healthy(server, url)
        yield server, url


def _serve_on(server: subprocess.Popen[bytes]) -> int:
    """Waits for the server to end by itself, or for Ctrl-C, which is how it is meant to end."""
    _say("\nserving until Ctrl-C")
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0


@contextmanager
def _stopping_on_sigterm() -> Iterator[None]:
    """Takes SIGTERM like Ctrl-C, so that the server is stopped and not left behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="regard stack",
        description="Run the systems together: the engine, its server, what asks it.",
        epilog="example: regard stack run --once",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="run | check")
    summary = "fetch the model, serve it, show one streamed answer, keep serving"
    run = verbs.add_parser(
        "run",
        help=summary,
        description=f"{summary.capitalize()}. Options after -- go to `regard serve`.",
        epilog="example: regard stack run --port 8001 -- --max-model-len 2048",
    )
    run.add_argument("--once", action="store_true", help="stop after the answer")
    summary = "ask the served model the short points game and write a developer's report"
    check = verbs.add_parser(
        "check",
        help=summary,
        description=f"{summary.capitalize()}. It measures how choices respond to stipulated "
        "states, is exploratory by design, and certifies nothing. Without --url a server is "
        "started and stopped again; options after -- go to it.",
        epilog="example: regard stack check --url http://127.0.0.1:8000",
    )
    check.add_argument("--url", help="root of a server that runs, instead of starting one")
    check.add_argument(
        "--folder",
        type=Path,
        default=CHECK_FOLDER,
        help="plan, logs, table and report go there; a stopped check goes on (%(default)s)",
    )
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    for verb in (run, check):
        verb.add_argument("--model", default="default", help="folder, GGUF or hub id (%(default)s)")
        verb.add_argument("--port", type=int, help=f"on {HOST} ({DEFAULT_PORT}, or a free one)")
    own, passed_on = _split(argv)
    return parser.parse_args(own), passed_on


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    arguments = list(argv)
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def _open(target: str | urllib.request.Request, *, timeout: float) -> HTTPResponse:
    """Opens a local address; a proxy that the environment names could not reach it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    response: HTTPResponse = opener.open(target, timeout=timeout)
    return response


def _say(message: str) -> None:
    print(message, flush=True)


def _choose_port(wanted: int | None) -> int:
    """The wanted port, or where none was named the default one, or a free one if that is taken."""
    if wanted is not None:
        if not _is_free(wanted):
            raise StackError(f"port {wanted} is in use; name another one with --port")
        return wanted
    if _is_free(DEFAULT_PORT):
        return DEFAULT_PORT
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As uvicorn does, so that a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


@contextmanager
def _running(
    command: Sequence[str], *, stdout: TextIO | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The server process; it is asked to stop, and given its grace time, on the way out."""
    process = subprocess.Popen(command, stdout=stdout)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(
    server: subprocess.Popen[bytes], url: str, *, seconds: float = START_SECONDS
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (status := server.poll()) is not None:
            raise StackError(f"the server ended with status {status}; the reason stands above")
        try:
            with _open(f"{url}/health", timeout=POLL_SECONDS * 10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_SECONDS)
    raise StackError(f"the server did not answer {url}/health within {seconds:.0f} s")


def served_model(url: str) -> str:
    """The name under which a server offers its model.

    Raises:
        StackError: Nobody answers there, or not as such a server does.
    """
    try:
        with _open(f"{url.rstrip('/')}/v1/models", timeout=ANSWER_SECONDS) as response:
            return str(json.load(response)["data"][0]["id"])
    except urllib.error.HTTPError as error:
        raise StackError(f"{url}/v1/models answered {error.code}; give a server's root") from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StackError(f"no model is served at {url}: {error}") from error


def stream_answer(url: str, model: str, question: str) -> Iterator[str]:
    """Asks one question over the chat API and yields the answer as it comes.

    Args:
        url: Root of the server, without `/v1`.
        model: Served name of the model.
        question: What the user says.

    Raises:
        StackError: The server refuses or reports an error.
    """
    body = {
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "max_tokens": MAX_TOKENS,
        "temperature": 0,
        "stream": True,
    }
    request = urllib.request.Request(
        f"{url}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with _open(request, timeout=ANSWER_SECONDS) as response:
            for line in response:
                yield from _content_of(line.decode().strip())
    except urllib.error.HTTPError as error:
        raise StackError(f"the server answered {error.code}: {error.read().decode()}") from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise StackError(f"the server at {url} does not answer: {error}") from error


def _content_of(line: str) -> Iterator[str]:
    """The text in one line of a server-sent event stream."""
    data = line.removeprefix("data:").strip()
    if not line.startswith("data:") or data == "[DONE]":
        return
    event = json.loads(data)
    if "error" in event:
        raise StackError(f"the server reports: {event['error']}")
    for choice in event["choices"]:
        if text := choice["delta"].get("content"):
            yield text
