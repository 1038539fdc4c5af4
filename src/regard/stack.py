"""`regard stack run`: the systems together, each in its own process, joined by HTTP."""

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

from regard.common.errors import UserError

HOST = "127.0.0.1"
DEFAULT_PORT = 8000
START_SECONDS = 300.0
ANSWER_SECONDS = 300.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.2
QUESTION = "In one sentence: what can a robot arm do for someone who cannot use their hands?"
MAX_TOKENS = 64


class StackError(UserError):
    """A part of the stack did not start or did not answer."""


def main(argv: Sequence[str]) -> int:
    """Runs one verb of `regard stack`."""
    arguments, serve_arguments = _parse(argv)
    port = _choose_port(arguments.port)
    url = f"http://{HOST}:{port}"
    command = [sys.executable, "-m", "regard", "serve", "--model", arguments.model]
    command += ["--host", HOST, "--port", str(port), *serve_arguments]
    _say(f"starting the server: {' '.join(['regard', *command[3:]])}")
    with _stopping_on_sigterm(), _running(command) as server:
        _wait_until_healthy(server, url)
        model = _served_model(url)
        _say(f"\n> {QUESTION}")
        for piece in stream_answer(url, model, QUESTION):
            print(piece, end="", flush=True)
        print(flush=True)
        return 0 if arguments.once else _serve_on(server)


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
        description="Run the systems together. For now: the engine, its server and one answer.",
        epilog="example: regard stack run --once",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="run")
    summary = "fetch the model, serve it, show one streamed answer, keep serving"
    run = verbs.add_parser(
        "run",
        help=summary,
        description=f"{summary.capitalize()}. Options after -- go to `regard serve`.",
        epilog="example: regard stack run --port 8001 -- --max-model-len 2048",
    )
    run.add_argument("--model", default="default", help="folder, GGUF file or hub id (%(default)s)")
    run.add_argument("--port", type=int, help=f"port on {HOST} ({DEFAULT_PORT}, or a free one)")
    run.add_argument("--once", action="store_true", help="stop after the answer")
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
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The server process; it is asked to stop, and given its grace time, on the way out."""
    process = subprocess.Popen(command)
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


def _served_model(url: str) -> str:
    with _open(f"{url}/v1/models", timeout=ANSWER_SECONDS) as response:
        return str(json.load(response)["data"][0]["id"])


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
