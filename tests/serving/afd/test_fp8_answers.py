"""How far the FP8 wire moves whole answers; docs/design/afd.md states these bounds."""

from dataclasses import dataclass, replace

import pytest
import torch

from regard.serving.config import EngineConfig
from regard.serving.engine import Engine
from tests.serving.afd.parted import PartedModel
from tests.serving.afd.topologies import greedy
from tests.serving.rows import one_sequence

TEXTS = [
    "The history of the small harbour town begins with a ferry",
    "oldest map shows it beside a chapel whose bell could be heard far out at sea",
    "def add(a, b):\n    return",
    "Name three uses of a robot arm.",
    "2, 4, 6, 8,",
    "Once",
]
NUM_TOKENS = 24


@dataclass(frozen=True)
class Bound:
    divergence: float
    """Mean Kullback-Leibler divergence from the answers' distributions, in nats a token."""
    log_probability: float
    """Most that any answer's mean log-probability may change, in nats a token."""
    same_choice: float
    """Least share of tokens that are still the likeliest."""


BOUNDS = {
    "default": Bound(divergence=0.01, log_probability=0.05, same_choice=0.94),
    # Random weights: flat distributions, in which small changes reorder the likeliest tokens.
    "step3-mini": Bound(divergence=0.05, log_probability=0.15, same_choice=0.7),
}


def log_probabilities(loaded, prompt, answer):
    """Of all tokens at each place of an answer: shape (answer, vocabulary)."""
    tokens = prompt + answer[:-1]
    batch = one_sequence(tokens, block_size=loaded.block_size)
    batch = replace(batch, sample_rows=torch.arange(len(prompt) - 1, len(tokens)))
    with torch.inference_mode():
        return loaded.model.forward(batch, loaded.allocate_caches()).float().log_softmax(-1)


@pytest.mark.slow
@pytest.mark.parametrize("model", BOUNDS)
def test_the_fp8_wire_moves_whole_answers_no_further_than_stated(model):
    config = EngineConfig(
        model=model, mode="fast", device="cpu", num_threads=1, kv_cache_memory_gib=0.05
    )
    parted, bound = PartedModel(config), BOUNDS[model]
    prompts = [parted.whole.tokenizer.encode(text) for text in TEXTS]
    answers = greedy([Engine(config, parted.whole)], prompts, NUM_TOKENS)
    divergences, same = [], []
    with parted.instances("1A2F", "in_process", num_microbatches=3, wire="fp8") as models:
        for prompt, answer in zip(prompts, answers, strict=True):
            whole = log_probabilities(parted.whole, prompt, answer)
            fp8 = log_probabilities(models[0], prompt, answer)
            chosen = torch.tensor(answer)[:, None]
            change = (fp8 - whole).gather(1, chosen).mean()
            assert 0 < change.abs() <= bound.log_probability
            divergences.append((whole.exp() * (whole - fp8)).sum(-1))
            same.append(fp8.argmax(-1) == whole.argmax(-1))
    assert torch.cat(divergences).mean() <= bound.divergence
    assert torch.cat(same).float().mean() >= bound.same_choice
