"""The commands of docs/design/afd.md for several machines, on two hosts."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from regard.serving.afd.join_command import TOKEN_VARIABLE
from regard.serving.llm import LLM
from regard.serving.sampling_params import SamplingParams
from tests.serving.afd.hosts import Host, two_hosts

ROOT = Path(__file__).parents[3]
PROMPTS = ["Name three uses of a robot arm.", "Once", "2, 4, 6, 8,", "def add(a, b):\n    return"]
NUM_TOKENS = 12
ENGINE = {
    "mode": "exact",
    "device": "cpu",
    "max_model_len": 256,
    "num_threads": 1,
    "kv_cache_memory_gib": 0.05,
}
FLOAT32_NBYTES = 4
CONTROL_PORT, HTTP_PORT = 29600, 8000
ASK = """
import json, sys, httpx
url, body = sys.argv[1], json.loads(sys.argv[2])
print(json.dumps(httpx.post(url, json=body, timeout=120).raise_for_status().json()["choices"]))
"""


def start(host: Host, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        host.command(sys.executable, "-m", "regard", *arguments),
        env={**os.environ, TOKEN_VARIABLE: "a secret of both", "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )


def serve(host: Host, *layout: str) -> subprocess.Popen[str]:
    engine = [f"--{name.replace('_', '-')}={value}" for name, value in ENGINE.items()]
    return start(host, "serve", "default", *engine, "--port", str(HTTP_PORT), *layout)


def ask(host: Host, **body) -> list[dict]:
    """POST to the server of this host, from this host."""
    url = f"http://127.0.0.1:{HTTP_PORT}/v1/completions"
    command = host.command(sys.executable, "-c", ASK, url, json.dumps(body))
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_instances_on_two_hosts_give_the_answers_of_one_piece():
    params = SamplingParams(temperature=0, max_tokens=NUM_TOKENS, ignore_eos=True)
    llm = LLM(**ENGINE)
    completions = llm.generate(PROMPTS, params, progress=False)
    expected = [[llm.tokenizer.decode([t]) for t in each.token_ids] for each in completions]
    model = llm.engine.loaded.model.config
    del llm
    with two_hosts() as (one, two), ExitStack() as stack:
        control = f"{one.address}:{CONTROL_PORT}"
        service = serve(one, "--afd", "2A1F", "--no-afd-spawn", "--afd-listen", control)
        homes = {"attention0": one, "attention1": two, "ffn0": two}
        joined = [start(homes[p], "afd", "join", control, "--place", p) for p in homes]
        for process in (service, *joined):
            stack.enter_context(process)
            stack.callback(process.kill)
        assert service.stdout.readline().startswith("serving")
        choices = ask(
            one,
            prompt=PROMPTS,
            max_tokens=NUM_TOKENS,
            temperature=0,
            ignore_eos=True,
            logprobs=0,
        )
        assert [choice["logprobs"]["tokens"] for choice in choices] == expected
        # attention0 has at least one prompt, and ffn0 is across the cable.
        rows_nbytes = NUM_TOKENS * model.num_layers * model.hidden_size * FLOAT32_NBYTES
        assert min(one.num_bytes_sent(), two.num_bytes_sent()) > rows_nbytes
        service.send_signal(signal.SIGTERM)
        assert service.wait(30) == 0
        assert [process.wait(30) for process in joined] == [0, 0, 0]
        assert one.process_ids() == two.process_ids() == []
