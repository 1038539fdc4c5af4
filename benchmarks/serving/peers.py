"""The engines that are compared on a CPU, each behind one method; all greedy, all past the end."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from regard.serving import default_model

NUM_THREADS = 2
MAX_CONCURRENCY = 16
CONTEXT_PER_REQUEST = 256


class Peer(Protocol):
    """An engine with the default model loaded."""

    weight_bytes: int
    """Bytes of weights read for one decode step."""

    def generate(self, prompts: Sequence[str], num_tokens: int) -> int:
        """Answer all prompts at once; the number of tokens made."""
        ...


class Regard:
    """This engine, fast mode."""

    def __init__(self) -> None:
        from regard.serving.llm import LLM

        self._llm = LLM(max_num_seqs=MAX_CONCURRENCY, enable_prefix_caching=False)
        # Matrices of layers and the tied head; what the embedding looks up is nothing beside it.
        self.weight_bytes = default_model.path().stat().st_size

    def generate(self, prompts: Sequence[str], num_tokens: int) -> int:
        """Answer all prompts at once."""
        from regard.serving.sampling_params import SamplingParams

        params = SamplingParams(temperature=0.0, max_tokens=num_tokens, ignore_eos=True)
        answers = self._llm.generate(list(prompts), params, progress=False)
        return sum(len(answer.token_ids) for answer in answers)


class Transformers:
    """`generate` of transformers on the same weights, dequantised."""

    def __init__(self, dtype: str) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        torch.set_num_threads(NUM_THREADS)
        path = default_model.path()
        options = {"gguf_file": path.name}
        self._tokenizer = AutoTokenizer.from_pretrained(str(path.parent), **options)
        self._tokenizer.padding_side = "left"
        self._tokenizer.pad_token_id = 2
        self._model = AutoModelForCausalLM.from_pretrained(
            str(path.parent), dtype=getattr(torch, dtype), **options
        ).eval()
        parameters = sum(p.numel() for p in self._model.parameters())
        self.weight_bytes = parameters * getattr(torch, dtype).itemsize

    def generate(self, prompts: Sequence[str], num_tokens: int) -> int:
        """Answer all prompts as one padded batch."""
        import torch

        batch = self._tokenizer(list(prompts), return_tensors="pt", padding=True)
        with torch.inference_mode():
            out = self._model.generate(
                **batch,
                max_new_tokens=num_tokens,
                min_new_tokens=num_tokens,
                do_sample=False,
                eos_token_id=None,
                pad_token_id=2,
            )
        return (out.shape[1] - batch["input_ids"].shape[1]) * out.shape[0]


class LlamaCpp:
    """llama.cpp's server loop, in process, on the same GGUF file."""

    def __init__(self) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(default_model.path())
        params.n_parallel = MAX_CONCURRENCY
        params.n_ctx = MAX_CONCURRENCY * CONTEXT_PER_REQUEST
        params.cpuparams.n_threads = NUM_THREADS
        params.cpuparams_batch.n_threads = NUM_THREADS
        params.cont_batching = True
        params.verbosity = -1
        self._server = xllamacpp.Server(params)
        self._pool = ThreadPoolExecutor(MAX_CONCURRENCY)
        self.weight_bytes = default_model.path().stat().st_size

    def generate(self, prompts: Sequence[str], num_tokens: int) -> int:
        """Answer all prompts at once through continuous batching."""

        def one(prompt: str) -> int:
            answer = self._server.handle_completions(
                {
                    "prompt": prompt,
                    "max_tokens": num_tokens,
                    "temperature": 0,
                    "ignore_eos": True,
                    "cache_prompt": False,
                }
            )
            return int(answer["usage"]["completion_tokens"])

        return sum(self._pool.map(one, prompts))


PEERS: dict[str, Callable[[], Peer]] = {
    "regard": Regard,
    "transformers_bf16": lambda: Transformers("bfloat16"),
    "transformers_f32": lambda: Transformers("float32"),
    "llama_cpp": LlamaCpp,
}
