"""A run that is rate-limited waits and goes on: every cell is answered, and none twice."""

import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from regard.tradeoffs.plan import planned_cells
from regard.tradeoffs.preflight import ModelChoice
from regard.tradeoffs.read_log import read_run
from regard.tradeoffs.run import RunOptions, run
from tests.tradeoffs.inspect_runs import tiny_plan

LIMITED = 2
"""Calls that are turned away, from the third on."""


@pytest.fixture
def limited() -> Iterator[tuple[str, list[str], Counter[str]]]:
    """A server that turns some calls away; yields its address, those calls, and those answered."""
    turned_away: list[str] = []
    answered: Counter[str] = Counter()

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = str(asked["messages"][-1]["content"])
            if answered.total() >= 2 and len(turned_away) < LIMITED:
                turned_away.append(prompt)
                self._reply(429, {"error": {"message": "slow down", "type": "x", "code": "y"}})
                return
            answered[prompt] += 1
            choice = {
                "index": 0,
                "message": {"role": "assistant", "content": "K"},
                "finish_reason": "stop",
            }
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            names = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
            self._reply(200, {**names, "choices": [choice], "usage": usage})

        def _reply(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
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
            yield f"http://127.0.0.1:{server.server_port}/v1", turned_away, answered
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
def test_a_run_waits_for_its_rate_limit_and_asks_nothing_twice(
    limited: tuple[str, list[str], Counter[str]], tmp_path: Path
) -> None:
    url, turned_away, answered = limited
    plan = tiny_plan(runs=1)
    choice = ModelChoice(name="openai-api/regard/m", base_url=url)
    asked = [(cell, 1) for cell in planned_cells(plan)]
    run(plan, choice, asked, RunOptions(log_dir=tmp_path, connections=1))
    assert len(turned_away) == LIMITED
    assert len(answered) == len(asked)
    assert set(answered.values()) == {1}
    found = read_run(tmp_path)
    assert (int(found.cells["n"].sum()), found.num_errors) == (len(asked), 0)
