"""Disaggregated engines in one process, over tiny or given models."""

from dataclasses import replace

from regard.serving.afd.codec import make_codec
from regard.serving.afd.in_process import in_process_models
from regard.serving.afd.topology import Topology
from regard.serving.config import EngineConfig
from regard.serving.engine import Engine
from regard.serving.models.loader import LoadedModel
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams
from tests.serving.tiny import tiny_model, tiny_tensors

CONFIG = EngineConfig(
    model="tiny",
    mode="exact",
    device="cpu",
    block_size=8,
    num_threads=1,
    kv_cache_memory_gib=0.01,
    max_num_seqs=16,
    max_num_batched_tokens=24,
)


def tiny_loaded(model, config=CONFIG) -> tuple[LoadedModel, dict]:
    tensors = tiny_tensors(model)
    return replace(tiny_model(config, model, tensors=tensors), num_blocks=200), tensors


def engines(
    model, topology: Topology, *, num_microbatches=1, wire="auto", config=CONFIG
) -> list[Engine]:
    """One engine for each attention instance."""
    loaded, tensors = tiny_loaded(model, config)
    models = in_process_models(
        loaded,
        tensors,
        topology,
        make_codec(wire, is_exact=config.mode == "exact"),
        num_microbatches=num_microbatches,
    )
    return [Engine(config, each) for each in models]


def greedy(engines: list[Engine], prompts: list[list[int]], max_tokens=8) -> list[list[int]]:
    """Greedy answers; the prompts go to the engines in turn, and the engines step in turn."""
    params = SamplingParams(temperature=0, max_tokens=max_tokens, ignore_eos=True)
    answers: dict[str, list[int]] = {}
    for number, prompt in enumerate(prompts):
        answers[str(number)] = []
        engine = engines[number % len(engines)]
        engine.add_request(Request(str(number), list(prompt), params, 0.0))
    while any(engine.has_unfinished() for engine in engines):
        for engine in engines:
            for output in engine.step():
                assert output.error is None, output.error
                answers[output.request_id] += output.token_ids
    return [answers[str(number)] for number in range(len(prompts))]
