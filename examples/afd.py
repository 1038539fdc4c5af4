"""A model as 2 attention and 2 FFN instances in one process: the tokens are those of one piece."""

from regard.serving.afd.codec import make_codec
from regard.serving.afd.in_process import in_process_models
from regard.serving.afd.topology import parse_topology
from regard.serving.config import EngineConfig
from regard.serving.engine import Engine
from regard.serving.models.loader import load
from regard.serving.models.weights import open_model
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams

CONFIG = EngineConfig(model="step3-mini", mode="exact", kv_cache_memory_gib=0.1)
PARAMS = SamplingParams(temperature=0, max_tokens=12, ignore_eos=True)


def answer(engine: Engine, prompt: str) -> list[int]:
    engine.add_request(Request(prompt, engine.tokenizer.encode(prompt), PARAMS, 0.0))
    tokens: list[int] = []
    while engine.has_unfinished():
        tokens += [token for output in engine.step() for token in output.token_ids]
    return tokens


whole = load(CONFIG)
topology = parse_topology("2A2F", whole.model.config)
tensors = open_model(CONFIG.model, load_format="auto", seed=CONFIG.seed).tensors
parts = in_process_models(
    whole, tensors, topology, make_codec("auto", is_exact=True), num_microbatches=3
)
for number, part in enumerate(parts):
    apart, together = answer(Engine(CONFIG, part), "Hello"), answer(Engine(CONFIG, whole), "Hello")
    print(f"attention instance {number} of {topology}: {apart}")
    assert apart == together
