"""How layers are told apart in each family."""

from typing import Any

import pytest

from regard.serving.cost.architectures import preset, read_architecture, uniform_formats
from regard.serving.cost.errors import CostError
from regard.serving.cost.families import FAMILIES
from regard.serving.cost.precision import Precision

FORMATS = uniform_formats(weights=Precision.FP8, kv=Precision.BF16, state=Precision.FP32)
GQA = {
    "hidden_size": 64,
    "vocab_size": 100,
    "num_hidden_layers": 8,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 128,
    "tie_word_embeddings": True,
}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}


def layers_of(config: dict[str, Any]) -> tuple[dict[str, int], list[int]]:
    read = read_architecture(config, name="mine", formats=FORMATS)
    attention = {each.family: each.layers for each in read.attention}
    return attention, [each.layers for each in read.feed_forward]


@pytest.mark.parametrize(
    ("name", "attention", "feed_forward"),
    [
        ("step3", {"MFA": 61}, [5, 56]),
        ("deepseek-v3", {"MLA": 61}, [3, 58]),
        ("kimi-k2", {"MLA": 61}, [1, 60]),
        ("glm-5", {"DSA": 78}, [3, 75]),
        ("llama4-maverick", {"GQA": 12, "GQA window 8192": 36}, [24, 24]),
        ("minimax-m1", {"GQA": 10, "lightning": 70}, [80]),
        ("ernie-4.5-300b-a47b", {"GQA": 54}, [3, 51]),
        ("gpt-oss-120b", {"GQA": 18, "GQA window 128": 18}, [36]),
        ("pangu-pro-moe", {"GQA": 48}, [48]),
        ("qwen3-32b", {"GQA": 64}, [64]),
    ],
)
def test_layers_are_told_apart(
    name: str, attention: dict[str, int], feed_forward: list[int]
) -> None:
    read = preset(name).architecture
    assert {each.family: each.layers for each in read.attention} == attention
    assert [each.layers for each in read.feed_forward] == feed_forward


def test_experts_of_qwen_can_be_every_other_layer() -> None:
    config = {
        **GQA,
        "model_type": "qwen3_moe",
        "decoder_sparse_step": 2,
        "mlp_only_layers": [1],
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
    }
    assert layers_of(config) == ({"GQA": 8}, [5, 3])


def test_a_window_of_mistral_holds_for_all_layers() -> None:
    config = {**GQA, "model_type": "mistral", "sliding_window": 10}
    assert layers_of(config) == ({"GQA window 10": 8}, [8])
    assert layers_of({**config, "sliding_window": None}) == ({"GQA": 8}, [8])


@pytest.mark.parametrize(
    ("model_type", "more"),
    [
        ("qwen3", {"use_sliding_window": True}),
        ("minimax_m2", {**EXPERTS, "shared_intermediate_size": 8}),
        ("gpt_oss", {**EXPERTS, "sliding_window": 4, "layer_types": ["linear_attention"] * 8}),
    ],
)
def test_what_a_family_does_not_read_is_refused(model_type: str, more: dict[str, Any]) -> None:
    with pytest.raises(CostError, match=f"mine: {[*more][-1]}"):
        layers_of({**GQA, "model_type": model_type, **more})


def test_every_kind_of_attention_has_a_family() -> None:
    assert {"llama", "deepseek_v3", "step3_text", "llama4_text", "minimax_m1"} <= set(FAMILIES)
