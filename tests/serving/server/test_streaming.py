import json
import socket
import time
from collections.abc import Callable

import httpx
import pytest

from tests.serving.server.fake_engine import FakeEngine
from tests.serving.server.test_chat import HELLO, events_of

WAIT_SECONDS = 5.0


def wait_until(condition: Callable[[], bool]) -> float:
    """Seconds until something is so."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < WAIT_SECONDS
        time.sleep(0.002)
    return time.monotonic() - start


def raw_request(url: str, **options: object) -> socket.socket:
    """A connection that has sent a chat request."""
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps({"messages": HELLO, "ignore_eos": True, **options}).encode()
    connection = socket.create_connection((host, int(port)))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}"
    connection.sendall(f"{head}\r\n\r\n".encode() + body)
    return connection


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_client_that_leaves_midway_ends_its_generation(serve, stream: bool):
    engine = FakeEngine(step_seconds=0.02, max_model_len=100_000)
    connection = raw_request(serve(engine), stream=stream)
    wait_until(lambda: engine.generation_tokens > 3)
    connection.close()
    assert wait_until(lambda: engine.num_running == 0) < 0.5
    assert engine.num_closed_early == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_client_that_leaves_before_the_first_token_ends_its_generation(serve, stream: bool):
    engine = FakeEngine(first_step_seconds=60)
    connection = raw_request(serve(engine), stream=stream)
    wait_until(lambda: engine.num_running == 1)
    connection.close()
    assert wait_until(lambda: engine.num_running == 0) < 0.5
    assert engine.num_closed_early == 1


def test_a_client_that_leaves_ends_all_prompts_of_its_request(serve):
    engine = FakeEngine(step_seconds=0.02, max_model_len=100_000)
    url = serve(engine)
    body = {"prompt": ["a", "b", "c"], "max_tokens": 5000, "ignore_eos": True, "stream": True}
    with httpx.Client() as client, client.stream("POST", f"{url}/v1/completions", json=body):
        wait_until(lambda: engine.num_running == 3)
    wait_until(lambda: engine.num_running == 0)
    assert engine.num_closed_early == 3


def test_a_client_that_stops_reading_and_leaves_ends_its_generation(serve):
    engine = FakeEngine(answer="x" * 1000, max_model_len=10_000_000)
    connection = raw_request(serve(engine), stream=True)
    wait_until(lambda: engine.generation_tokens > 1000)
    connection.close()
    wait_until(lambda: engine.num_running == 0)


async def test_a_failure_before_the_first_token_is_a_status(client, engine: FakeEngine):
    engine.fail_after = 0
    response = await client.post("/v1/chat/completions", json={"messages": HELLO, "stream": True})
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "step_failed"


async def test_a_failure_after_the_first_token_is_an_event(client, engine: FakeEngine):
    engine.fail_after = 3
    body = {"messages": HELLO, "stream": True}
    response = await client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200
    events = events_of(response)
    assert events[-1]["error"]["type"] == "server_error"
    assert engine.num_running == 0


async def test_a_failure_of_an_unstreamed_request_is_a_status_at_any_token(client, engine):
    engine.fail_after = 3
    response = await client.post("/v1/chat/completions", json={"messages": HELLO})
    assert response.status_code == 500
    assert engine.num_running == 0
