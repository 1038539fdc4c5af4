"""Greedy tokens of real models do not depend on how they are parted, nor on the link."""

import pytest

from regard.serving.config import EngineConfig
from regard.serving.engine import Engine
from tests.serving.afd.parted import LINKS, PartedModel
from tests.serving.afd.topologies import greedy

TEXTS = [
    "The history of the small harbour town begins with a ferry",
    "Once",
    "Name three uses of a robot arm. First, it can lift a cup; second, it can fold a shirt;",
    "def add(a, b):\n    return",
]
NUM_TOKENS = 8
TOPOLOGIES = ["1A1F", "2A1F", "1A2F", "3A2F"]


def config_of(model: str) -> EngineConfig:
    return EngineConfig(
        model=model,
        mode="exact",
        device="cpu",
        num_threads=1,
        max_model_len=256,
        kv_cache_memory_gib=0.05,
        max_num_batched_tokens=32,
        max_num_seqs=16,
        enable_prefix_caching=False,
    )


@pytest.fixture(scope="module", params=["default", "step3-mini"])
def case(request):
    parted = PartedModel(config_of(request.param))
    prompts = [parted.whole.tokenizer.encode(text) for text in TEXTS]
    expected = greedy([Engine(parted.config, parted.whole)], prompts, NUM_TOKENS)
    assert len({tuple(tokens) for tokens in expected}) == len(prompts)
    return parted, prompts, expected


@pytest.mark.slow
@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("num_microbatches", [1, 2, 3])
@pytest.mark.parametrize("afd", TOPOLOGIES)
def test_every_layout_gives_the_tokens_of_one_piece(case, afd, num_microbatches, link):
    parted, prompts, expected = case
    with parted.instances(afd, link, num_microbatches=num_microbatches) as models:
        got = greedy([Engine(parted.config, model) for model in models], prompts, NUM_TOKENS)
    assert got == expected
