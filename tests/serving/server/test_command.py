import json
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from regard.serving.server.command import ready_message
from regard.serving.server.options import parse_options
from tests.serving.server.fake_engine import FakeEngine

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("key", [None, "secret"])
def test_the_ready_message_has_a_command_that_works(serve, engine: FakeEngine, key: str | None):
    url = serve(engine)
    host, port = url.removeprefix("http://").split(":")
    options = parse_options([] if key is None else ["--api-key", key])

    class Listener:
        def getsockname(self) -> tuple[str, int]:
            return host, int(port)

    message = ready_message(options, engine, Listener())
    assert "secret" not in message
    command = shlex.split(message[message.index("curl") :])
    body = json.loads(command[command.index("-d") + 1])
    response = httpx.post(command[1], json=body)
    assert response.status_code == 200
    assert response.json()["model"] == "fake"


def serve_command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "regard", "serve", *arguments],
        env={"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_missing_weights_are_one_line_that_names_the_file(tmp_path: Path):
    missing = tmp_path / "nothing.gguf"
    process = serve_command(str(missing), "--port", "0")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(stderr.strip().splitlines()) == 1
    assert str(missing) in stderr


def test_a_taken_port_is_said_before_the_model_loads():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = serve_command("--port", str(taken.getsockname()[1]))
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_the_default_model_answers_and_sigterm_ends_with_status_0(tmp_path: Path):
    process = serve_command("--port", "0", "--max-model-len", "512")
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    body = {
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_tokens": 4,
        "logprobs": True,
        "top_logprobs": 2,
    }
    answer = httpx.post(f"{url}/chat/completions", json=body, timeout=60).json()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert answer["usage"]["completion_tokens"] <= 4
    assert len(answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]) == 2
