"""The text model against float64 written out from the paper's formulas."""

import pytest
import torch

from regard.serving.config import EngineConfig
from regard.serving.models.weights import random_tensors, tensor_shapes
from tests.serving.step3_reference import distance, prefill, reference
from tests.serving.tiny import STEP3, tiny_model


@pytest.fixture(scope="module")
def case():
    """Weights whose norms are not all ones, tokens, and this model's logits."""
    config = EngineConfig(mode="exact", kv_cache_memory_gib=0.01)
    tensors = {
        name: torch.rand(tensor.shape) + 0.5 if "norm" in name else tensor * 6.0
        for name, tensor in random_tensors(tensor_shapes(STEP3), seed=0).items()
    }
    loaded = tiny_model(config, STEP3, tensors=tensors)
    tokens = torch.randint(0, 256, (37,), generator=torch.Generator().manual_seed(3)).tolist()
    return loaded, tensors, tokens


def test_prefill_and_paged_decode_are_the_formulas(case):
    loaded, tensors, tokens = case
    expected = reference(STEP3, tensors, tokens)
    assert distance(prefill(loaded, [tokens]), expected) < 1e-5
    one_by_one = [tokens[:20], *([token] for token in tokens[20:])]
    assert distance(prefill(loaded, one_by_one), expected) < 1e-5


@pytest.mark.parametrize(
    "misreading", [{"renormalise": True}, {"inner_norm": False}, {"theta": 10000.0}]
)
def test_the_comparison_sees_the_usual_misreadings(case, misreading):
    loaded, tensors, tokens = case
    misread = reference(STEP3, tensors, tokens, **misreading)
    assert distance(prefill(loaded, [tokens]), misread) > 1e-3
