"""What clients see when an FFN process is killed and nothing takes its place."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import psutil
import pytest

from regard.serving.afd.join_command import TOKEN_VARIABLE
from tests.serving.afd.commands import FLAGS, end, environment, free_port

BODY = {"prompt": "Once", "max_tokens": 240, "temperature": 0, "ignore_eos": True}
SERVE = ["serve", "step3-mini", *FLAGS, "--afd=1A1F", "--port=0"]
SECRET = environment(**{TOKEN_VARIABLE: "a secret of both"})


@contextmanager
def fails_at_once():
    """A service that does not wait: its URL, and its FFN process."""
    with _regard(*SERVE, "--on-ffn-loss=fail") as service:
        url = _url(service)
        children = psutil.Process(service.pid).children(recursive=True)
        yield url, next(each for each in children if "ffn0" in each.cmdline())
        end(children)


@contextmanager
def waits_for_nobody():
    """A service that waits a second for instances that nobody starts again."""
    control = f"127.0.0.1:{free_port()}"
    options = ["--no-afd-spawn", f"--afd-listen={control}", "--recovery-timeout=1"]
    with ExitStack() as stack:
        service = stack.enter_context(_regard(*SERVE, *options))
        ffn, _ = (
            stack.enter_context(_regard("afd", "join", control, "--place", place))
            for place in ("ffn0", "attention0")
        )
        yield _url(service), psutil.Process(ffn.pid)


@contextmanager
def _regard(*arguments):
    command = [sys.executable, "-m", "regard", *arguments]
    with subprocess.Popen(command, env=SECRET, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _url(service) -> str:
    return next(line for line in service.stdout if line.startswith("serving")).split()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("service", "seconds", "reason"),
    [(fails_at_once, 5, "--on-ffn-loss is fail"), (waits_for_nobody, 6, "within 1 s")],
)
def test_a_lost_ffn_process_is_a_503_or_the_stream_s_last_event(service, seconds, reason):
    with service() as (url, ffn), ThreadPoolExecutor() as pool:
        post = pool.submit(httpx.post, f"{url}/completions", json=BODY, timeout=60)
        streamed = {**BODY, "stream": True}
        with httpx.stream("POST", f"{url}/completions", json=streamed, timeout=60) as stream:
            events = (line.removeprefix("data: ") for line in stream.iter_lines() if line)
            next(events)
            ffn.kill()
            killed = time.monotonic()
            answer = post.result()
            *_, last = (event for event in events if event != "[DONE]")
        assert time.monotonic() - killed < seconds
        assert answer.status_code == 503
        for error in (answer.json()["error"], json.loads(last)["error"]):
            assert error["code"] == "instance_lost"
            assert "FFN instance 0 is gone" in error["message"]
            assert reason in error["message"]
