"""The text model against float64 written out from the paper's formulas."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

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


SIZES = st.fixed_dictionaries(
    {
        "hidden_size": st.integers(8, 80),
        "num_heads": st.integers(1, 7),
        "head_dim": st.integers(2, 24).map(lambda half: 2 * half),
        "query_low_rank": st.integers(1, 50),
        "intermediate_size": st.integers(1, 70),
        "num_experts": st.integers(3, 9),
        "num_experts_per_token": st.integers(1, 3),
        "moe_intermediate_size": st.integers(1, 40),
        "share_expert_size": st.integers(1, 40),
        "moe_layers": st.sets(st.integers(0, 1)).map(sorted).map(tuple),
    }
)


@settings(max_examples=12, deadline=None)
@given(sizes=SIZES, length=st.integers(2, 30), data=st.data())
def test_attention_and_experts_of_any_size_are_the_formulas(sizes, length, data):
    config = replace(STEP3, num_layers=2, **sizes)
    drawn = random_tensors(tensor_shapes(config), seed=length)
    tensors = {name: t + 0.5 if "norm" in name else t * 12.0 for name, t in drawn.items()}
    options = EngineConfig(mode="exact", kv_cache_memory_gib=0.01)
    loaded = tiny_model(options, config, tensors=tensors)
    tokens = torch.arange(length).mul(7).tolist()
    cut = data.draw(st.integers(1, length - 1))
    expected = reference(config, tensors, tokens)
    for chunks in ([tokens], [tokens[:cut], *([token] for token in tokens[cut:])]):
        assert distance(prefill(loaded, chunks), expected) < 1e-4
