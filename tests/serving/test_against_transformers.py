"""Exact mode on the real default model against transformers on the same dequantised weights."""

import os

import pytest
import torch

from regard.serving import default_model
from regard.serving.config import EngineConfig
from regard.serving.llm import LLM
from regard.serving.models.attention import allocate_cache
from regard.serving.models.loader import load
from regard.serving.sampling_params import SamplingParams
from tests.serving.rows import one_sequence

pytestmark = pytest.mark.slow

WORDS = (
    "The history of the small harbour town begins with a ferry that crossed the river twice a "
    "day, carrying salt, wool and letters; nobody remembers who built the first pier, but the "
    "oldest map shows it beside a chapel whose bell could be heard far out at sea in the fog."
)
NUM_TOKENS = 16


@pytest.fixture(scope="module")
def reference():
    """transformers' model of the same GGUF file, dequantised to float32."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    path = default_model.path()
    return AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=torch.float32
    ).eval()


@pytest.fixture(scope="module")
def llm():
    """Exact mode, one batch of 20 within its limits."""
    return LLM(mode="exact", max_num_seqs=32)


@pytest.fixture(scope="module")
def prompts(llm):
    """20 prompts of 1 to about 150 tokens."""
    words = WORDS.split()
    texts = [" ".join(words[i : i + 1 + 3 * i]) for i in range(20)]
    return [llm.tokenizer.encode(text) for text in [*texts[:-1], WORDS * 2]]


def test_greedy_tokens_are_those_of_transformers(reference, llm, prompts):
    expected = []
    for prompt in prompts:
        out = reference.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=NUM_TOKENS,
            min_new_tokens=NUM_TOKENS,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )
        expected.append(tuple(out[0, len(prompt) :].tolist()))
    params = SamplingParams(temperature=0.0, max_tokens=NUM_TOKENS, ignore_eos=True)
    assert len({len(prompt) for prompt in prompts}) > 12
    together = llm.generate(prompts, params, progress=False)
    assert [c.token_ids for c in together] == expected
    llm.engine.kv_cache.reset_prefix_cache()
    alone = [llm.generate([prompt], params, progress=False)[0].token_ids for prompt in prompts]
    assert alone == expected


@pytest.mark.parametrize(("mode", "bound"), [("exact", 1e-4), ("fast", 2e-3)])
def test_logits_agree(reference, prompts, mode, bound):
    loaded = load(EngineConfig(mode=mode, kv_cache_memory_gib=0.2))
    config = loaded.model.config
    with torch.inference_mode():
        for prompt in prompts[::4]:
            caches = [
                allocate_cache(
                    num_blocks=32,
                    block_size=16,
                    kv_heads=config.num_kv_heads,
                    head_dim=config.head_dim,
                    dtype=torch.float32,
                    device=loaded.numerics.device,
                )
                for _ in range(config.num_layers)
            ]
            ours = loaded.model.forward(one_sequence(prompt, block_size=16), caches)[0]
            theirs = reference(torch.tensor([prompt])).logits[0, -1]
            assert ((ours - theirs).norm() / theirs.norm()).item() < bound
