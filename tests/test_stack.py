import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from regard import stack
from regard.stack import StackError, stream_answer


@contextmanager
def _server(events: list[str], status: int = 200) -> Iterator[str]:
    """A stand-in that answers every POST with the given stream lines."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write("".join(f"data: {event}\n\n" for event in events).encode())

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _event(delta: dict) -> str:
    return json.dumps({"choices": [{"delta": delta}]})


def test_the_answer_comes_in_the_pieces_the_server_sends() -> None:
    events = [_event({"role": "assistant"}), _event({"content": "He"}), _event({"content": "y"})]
    events += [json.dumps({"choices": [], "usage": {}}), "[DONE]"]
    with _server(events) as url:
        assert list(stream_answer(url, "m", "Hi?")) == ["He", "y"]


def test_a_refusal_shows_what_the_server_said() -> None:
    with (
        _server(["model 'm' is not served"], status=404) as url,
        pytest.raises(StackError, match=r"404.*'m' is not served"),
    ):
        list(stream_answer(url, "m", "Hi?"))


def test_an_error_within_the_stream_is_not_swallowed() -> None:
    with (
        _server([json.dumps({"error": {"message": "the step failed"}})]) as url,
        pytest.raises(StackError, match="the step failed"),
    ):
        list(stream_answer(url, "m", "Hi?"))


def test_nobody_listening_is_told_with_the_address() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(StackError, match=url):
            list(stream_answer(url, "m", "Hi?"))


def test_a_named_port_in_use_is_refused_and_the_default_one_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=str(port)):
            stack._choose_port(port)
        monkeypatch.setattr(stack, "DEFAULT_PORT", port)
        assert stack._choose_port(None) != port


def test_a_server_that_ends_early_is_reported_with_its_status() -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    with stack._running(command) as server, pytest.raises(StackError, match="status 3"):
        stack._wait_until_healthy(server, "http://127.0.0.1:9")


def test_options_after_two_dashes_go_to_the_server() -> None:
    arguments, passed_on = stack._parse(["run", "--once", "--", "--seed", "3"])
    assert arguments.once
    assert passed_on == ["--seed", "3"]
