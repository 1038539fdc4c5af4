import pytest
import torch

from regard.serving.config import EngineConfig
from regard.serving.engine import Engine
from regard.serving.models import decode_graphs
from regard.serving.models.decode_graphs import sizes_up_to
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams


@pytest.mark.parametrize(
    ("most", "sizes"),
    [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (20, [1, 2, 4, 8, 16, 20])],
)
def test_sizes_grow_and_end_with_the_largest_batch(most, sizes):
    assert sizes_up_to(most) == sizes


def test_a_cpu_has_no_graphs():
    engine = Engine(EngineConfig(model="step3-mini", kv_cache_memory_gib=0.01))
    assert not decode_graphs.supports(engine.loaded)


def answers(engine, prompts):
    for number, prompt in enumerate(prompts):
        params = SamplingParams(temperature=0.0, max_tokens=12, ignore_eos=True)
        engine.add_request(Request(str(number), list(prompt), params, 0.0))
    tokens = {str(number): [] for number in range(len(prompts))}
    while engine.has_unfinished():
        for output in engine.step():
            tokens[output.request_id] += output.token_ids
    return tokens


@pytest.mark.gpu
def test_graphs_give_the_tokens_of_passes_without_them():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    config = EngineConfig(model="llama-8b", max_num_seqs=6, max_model_len=512, device="cuda")
    engine = Engine(config)
    prompts = [range(3 + i, 20 + 11 * i) for i in range(5)]
    assert decode_graphs.supports(engine.loaded)
    with_graphs = answers(engine, prompts)
    # A smaller batch after a larger one: what is left in the padding must not matter.
    assert answers(engine, prompts[:1])["0"] == answers(engine, prompts[:1])["0"]
    engine._forward = engine.loaded.model.forward
    engine.kv_cache.reset_prefix_cache()
    assert answers(engine, prompts) == with_graphs
