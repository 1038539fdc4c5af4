"""`regard serve` as a command of its own, and whether it answers like the model in one piece."""

import os
import socket
from pathlib import Path

import psutil

from regard.serving.llm import LLM
from regard.serving.sampling_params import SamplingParams

ROOT = Path(__file__).parents[3]
ENGINE = {
    "mode": "exact",
    "device": "cpu",
    "max_model_len": 256,
    "kv_cache_memory_gib": 0.05,
    "num_threads": 1,
}
FLAGS = [f"--{name.replace('_', '-')}={value}" for name, value in ENGINE.items()]
PROMPTS = ["Name three uses of a robot arm.", "Once", "2, 4, 6, 8,", "def add(a, b):\n    return"]
NUM_TOKENS = 12
BODY = {
    "prompt": PROMPTS,
    "max_tokens": NUM_TOKENS,
    "temperature": 0,
    "ignore_eos": True,
    "logprobs": 0,
}


def environment(**changes: str) -> dict[str, str]:
    """For a process that imports this source, wherever it is started."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), **changes}


def tokens_of_one_piece(model: str) -> tuple[list[list[bytes]], object]:
    """Greedy tokens, and the model's configuration."""
    llm = LLM(model, **ENGINE)
    params = SamplingParams(temperature=0, max_tokens=NUM_TOKENS, ignore_eos=True)
    completions = llm.generate(PROMPTS, params, progress=False)
    to_bytes = llm.tokenizer.convert_id_to_bytes
    tokens = [[to_bytes(token) for token in each.token_ids] for each in completions]
    return tokens, llm.engine.loaded.model.config


def tokens_of(choices: list[dict]) -> list[list[bytes]]:
    """What an answer to `BODY` holds."""
    return [[_bytes(name) for name in choice["logprobs"]["tokens"]] for choice in choices]


def _bytes(name: str) -> bytes:
    if name.startswith("bytes:"):
        return bytes.fromhex(name.removeprefix("bytes:").replace("\\x", ""))
    return name.encode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def end(processes: list[psutil.Process]) -> None:
    """Kill those that still run, by their ids."""
    for process in processes:
        if process.is_running():
            process.kill()
    psutil.wait_procs(processes, timeout=10)
