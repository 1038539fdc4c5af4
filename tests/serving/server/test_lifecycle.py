import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from regard.serving.server.lifecycle import ListenError, bind
from tests.serving.server.fake_engine import ANSWER
from tests.serving.server.test_chat import HELLO, events_of

ROOT = Path(__file__).parents[3]
EXIT_SECONDS = 15.0

Start = Callable[[float, float], tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start() -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []

    def begin(step_seconds: float, grace_seconds: float) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.serving.server.serve_fake",
                str(step_seconds),
                str(grace_seconds),
            ],
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        return process, f"http://127.0.0.1:{process.stdout.readline().strip()}"

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_lets_running_answers_finish_and_refuses_new_ones(start: Start, number: int):
    process, url = start(0.05, 30.0)
    body = {"messages": HELLO, "stream": True}
    with (
        httpx.Client(base_url=url) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as response,
    ):
        process.send_signal(number)
        while httpx.get(f"{url}/health").status_code == 200:
            time.sleep(0.02)
        refused = httpx.post(f"{url}/v1/chat/completions", json={"messages": HELLO})
        response.read()
    assert refused.status_code == 503
    text = "".join(e["choices"][0]["delta"].get("content", "") for e in events_of(response))
    assert text == ANSWER
    assert process.wait(EXIT_SECONDS) == 0


def test_the_grace_time_bounds_the_wait(start: Start):
    process, url = start(5.0, 0.5)
    with (
        httpx.Client(base_url=url) as client,
        client.stream("POST", "/v1/chat/completions", json={"messages": HELLO, "stream": True}),
    ):
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(EXIT_SECONDS) == 0
    assert time.monotonic() - begun < 6.0


def test_an_idle_server_stops_at_once(start: Start):
    process, _ = start(0.0, 30.0)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(EXIT_SECONDS) == 0
    assert time.monotonic() - begun < 3.0


def test_a_second_signal_does_not_wait(start: Start):
    process, url = start(5.0, 60.0)
    with (
        httpx.Client(base_url=url) as client,
        client.stream("POST", "/v1/chat/completions", json={"messages": HELLO, "stream": True}),
    ):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(EXIT_SECONDS)
    assert time.monotonic() - begun < 6.0


def test_a_port_in_use_is_said_with_its_number():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"port {port}"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("address", [("127.0.0.1", 70_000), ("256.0.0.1", 0)])
def test_an_address_that_cannot_be_is_refused(address: tuple[str, int]):
    with pytest.raises(ListenError):
        bind(*address)
