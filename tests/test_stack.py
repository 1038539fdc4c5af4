import json
import math
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from regard import stack
from regard.stack import StackError, stream_answer
from regard.tradeoffs.check import Check
from regard.tradeoffs.preflight import ModelChoice


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


@contextmanager
def _endpoint(tokens: list[str]) -> Iterator[str]:
    """A stand-in for a served model that finds each of these tokens equally likely."""
    tops = [{"token": each, "logprob": -math.log(len(tokens))} for each in tokens]
    entry = {**tops[0], "top_logprobs": tops}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": tokens[0]},
        "finish_reason": "length",
        "logprobs": {"content": [entry]},
    }
    usage = {"prompt_tokens": 60, "completion_tokens": 1, "total_tokens": 61}
    answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "tiny"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send({"data": [{"id": "tiny"}]} if self.path == "/v1/models" else {})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._send({**answer, "choices": [choice], "usage": usage})

        def _send(self, content: dict) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
def test_a_served_model_whose_labels_are_unlikely_is_called_not_measurable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "check"
    with _endpoint(["The", "You", "I", "A"]) as url:
        assert stack.main(["check", "--url", f"{url}/", "--folder", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((folder / "check.json").read_text(encoding="utf-8"))
    assert report["model"] == "openai-api/regard/tiny"
    assert report["verdicts"]["pain"]["verdict"] == "not measurable: reading"
    assert "certifies nothing" in report["what"]


def test_a_check_asks_the_served_model_at_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from regard.tradeoffs import check as check_module

    asked = []

    def check(choice: ModelChoice, folder: Path, *, display: str) -> Check:
        asked.append((choice.name, choice.base_url, folder, display))
        return Check(verdicts={"pain": "never"}, num_cells=288, folder=folder)

    monkeypatch.setattr(check_module, "check", check)
    with _endpoint(["A"]) as url:
        assert stack.main(["check", "--url", url, "--folder", str(tmp_path)]) == 0
    assert asked == [("openai-api/regard/tiny", f"{url}/v1", tmp_path, "none")]
    shown = capsys.readouterr().out
    assert "pain: never" in shown
    assert "certifies nothing" in shown


def test_a_check_of_nobody_says_so_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no model is served at http://127.0.0.1:9: "):
        stack.main(["check", "--url", "http://127.0.0.1:9", "--folder", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_is_no_such_server_is_named() -> None:
    with _endpoint(["A"]) as url, pytest.raises(StackError, match="no model is served at"):
        stack.served_model(f"{url}/elsewhere")


def test_a_check_without_an_address_starts_a_server_and_keeps_its_words_off_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = []

    @contextmanager
    def running(command: list[str], *, stdout: object) -> Iterator[None]:
        commands.append(command)
        assert stdout is sys.stderr
        yield None

    monkeypatch.setattr(stack, "_running", running)
    monkeypatch.setattr(stack, "_wait_until_healthy", lambda server, url: None)
    monkeypatch.setattr(stack, "check_served_model", lambda url, folder, *, as_json: 0)
    assert stack.main(["check", "--model", "m.gguf", "--", "--threads", "1"]) == 0
    assert commands[0][1:6] == ["-m", "regard", "serve", "--model", "m.gguf"]
    assert commands[0][-2:] == ["--threads", "1"]
    assert capsys.readouterr().out == ""
