"""What would go wrong is said before anything is spent."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from regard.tradeoffs import preflight
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.plan import planned_cells
from regard.tradeoffs.preflight import (
    ModelChoice,
    Probe,
    check_masses,
    check_model,
    explain,
    open_model,
)
from tests.tradeoffs.inspect_runs import output, tiny_plan


def _check(model: str, *, base_url: str | None = None, reading: str = "text") -> Probe:
    plan = tiny_plan(reading=reading)
    return check_model(ModelChoice(name=model, base_url=base_url), plan, planned_cells(plan))


def _check_mock(monkeypatch: pytest.MonkeyPatch, *, tops: Sequence[tuple[str, float]]) -> Probe:
    from inspect_ai.model import get_model

    def answer(*_: Any) -> Any:
        return output("x", tops=tops)

    model = get_model("mockllm/model", custom_outputs=answer)
    monkeypatch.setattr(preflight, "open_model", lambda choice: model)
    return _check("mockllm/model", reading="logprob")


def test_a_simulated_player_passes_with_the_mass_of_each_pair() -> None:
    probe = _check("respondent/always-max", reading="logprob")
    assert dict(probe.masses) == pytest.approx({"K/R": 0.99, "T/M": 0.99})
    check_masses(probe, Criteria())


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOMEWHERE_API_KEY", raising=False)
    with pytest.raises(TradeoffsError, match="cannot be used: .*SOMEWHERE_API_KEY"):
        open_model(ModelChoice(name="openai-api/somewhere/model", base_url="http://127.0.0.1:1"))


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(TradeoffsError, match="'nowhere/model' cannot be used"):
        open_model(ModelChoice(name="nowhere/model"))


def test_an_endpoint_that_is_down_is_said_in_one_line() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(TradeoffsError, match="the endpoint does not answer"):
            _check("openai-api/regard/model", base_url=url)


@contextmanager
def _endpoint(status: int) -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything with one status; yields its address and what was asked."""
    asked: list[str] = []

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"error": {"message": "so it is", "type": "x", "code": "y"}}'
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "key was refused"), (404, "knows no such model"), (429, "rate-limited")],
)
def test_a_fault_of_the_endpoint_ends_the_run_at_its_first_prompt(status: int, words: str) -> None:
    with _endpoint(status) as (url, asked), pytest.raises(TradeoffsError, match=words):
        _check("openai-api/regard/model", base_url=url)
    assert 1 <= len(asked) <= 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "key was refused"),
        (404, "knows no such model"),
        (429, "rate-limited"),
        (500, "endpoint answered 500"),
    ],
)
def test_each_status_says_what_to_do(status: int, words: str) -> None:
    class _Failure(Exception):
        status_code = status

    try:
        raise RuntimeError("outer") from _Failure("inner\nreason")
    except RuntimeError as error:
        line = explain(error, "a/b")
    assert words in line
    assert "inner reason" in line


def test_labels_that_split_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # The tiny design has letters only, so a word label's beginning is tested on its own pair.
    with pytest.raises(TradeoffsError, match="carry 0.10 of the first token"):
        check_masses(
            _check_mock(monkeypatch, tops=[("K", 0.1), ("T", 0.1), ("Well", 0.8)]), Criteria()
        )


def test_a_word_that_begins_is_more_than_one_token(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    plan = tiny_plan(reading="logprob")
    cells = [replace(cell, labels="circle/square") for cell in planned_cells(plan)]
    from inspect_ai.model import get_model

    model = get_model(
        "mockllm/model", custom_outputs=lambda *_: output("x", tops=[("squ", 0.7), ("cir", 0.2)])
    )
    monkeypatch.setattr(preflight, "open_model", lambda choice: model)
    with pytest.raises(TradeoffsError, match="are more than one token"):
        check_model(ModelChoice(name="mockllm/model"), plan, cells)


def test_a_model_without_log_probabilities_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TradeoffsError, match="returns no log-probabilities"):
        _check_mock(monkeypatch, tops=[])
