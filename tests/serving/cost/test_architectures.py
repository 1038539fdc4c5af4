"""Presets, their published totals, and configurations of a user's own."""

import json
from pathlib import Path

import pytest

from regard.serving.cost.architectures import (
    nearest_family,
    preset,
    preset_names,
    read_architecture,
    read_config_file,
    uniform_formats,
)
from regard.serving.cost.errors import CostError
from regard.serving.cost.precision import Precision
from tests.serving.cost.paper_cells import COUNT_CELLS, counted_by_hand

FORMATS = uniform_formats(weights=Precision.FP8, kv=Precision.FP8, state=Precision.FP32)
PAPER_MODELS = (
    "deepseek-v3",
    "kimi-k2",
    "qwen3-235b-a22b",
    "qwen3-32b",
    "llama4-maverick",
    "minimax-m1",
    "ernie-4.5-300b-a47b",
    "pangu-pro-moe",
    "step3",
)
LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "vocab_size": 100,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 128,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize("name", preset_names())
def test_parameters_agree_with_the_published_total(name: str) -> None:
    found = preset(name)
    assert found.architecture.parameters == pytest.approx(found.published_parameters, rel=0.01)
    assert found.source
    assert found.published_source
    assert found.formats_source


@pytest.mark.parametrize("model", COUNT_CELLS)
def test_counts_are_those_of_the_report(model: str) -> None:
    architecture = preset(model).architecture
    kv_8k, flops_8k, kv_32k, flops_32k, linear, ffn, intensity = COUNT_CELLS[model]
    assert f"{architecture.kv_bytes(8192).value:.2e}" == kv_8k
    assert f"{architecture.attention_flops(8192).value:.2e}" == flops_8k
    assert f"{architecture.kv_bytes(32768).value:.2e}" == kv_32k
    assert f"{architecture.attention_flops(32768).value:.2e}" == flops_32k
    assert f"{architecture.linear_flops().value:.2e}" == linear
    assert f"{architecture.ffn_flops().value:.2e}" == ffn
    assert round(architecture.intensity(8192)) == intensity


@pytest.mark.parametrize("context", [1, 4096, 8192, 32768])
@pytest.mark.parametrize("model", PAPER_MODELS)
def test_counts_follow_the_rules_written_out(model: str, context: int) -> None:
    architecture = preset(model).architecture
    assert (
        architecture.kv_bytes(context).value,
        architecture.attention_flops(context).value,
        architecture.linear_flops().value,
        architecture.ffn_flops().value,
    ) == pytest.approx(counted_by_hand(model, context), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "active"), [("deepseek-v3", 36.6e9), ("step3", 37.92e9), ("gpt-oss-120b", 5.13e9)]
)
def test_active_parameters_agree_with_the_published_ones(name: str, active: float) -> None:
    assert preset(name).architecture.active_parameters == pytest.approx(active, rel=0.01)


def test_a_hub_id_finds_its_preset() -> None:
    assert preset("Qwen/Qwen3-32B").name == "qwen3-32b"


def test_an_unknown_model_is_refused_with_the_nearest() -> None:
    with pytest.raises(CostError, match="did you mean 'deepseek-v3'"):
        preset("deepseek-v33")


def test_a_missing_key_is_named() -> None:
    config = {key: LLAMA[key] for key in LLAMA if key != "num_key_value_heads"}
    with pytest.raises(CostError, match="'num_key_value_heads' is missing.*family llama"):
        read_architecture(config, name="mine", formats=FORMATS)


def test_an_unknown_family_is_refused_with_the_nearest() -> None:
    config = {**LLAMA, "model_type": "qwen3_next_moe"}
    with pytest.raises(CostError, match="'qwen3_next_moe' is not supported.*'qwen3_moe'"):
        read_architecture(config, name="mine", formats=FORMATS)


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ({"model_type": "new", "kv_lora_rank": 512}, "deepseek_v3"),
        ({"model_type": "new", "share_q_dim": 2048}, "step3_text"),
        ({"model_type": "qwen4", "num_experts": 8}, "qwen3_moe"),
        ({"model_type": "mistrall"}, "mistral"),
        ({}, "llama"),
    ],
)
def test_the_nearest_family_goes_by_keys_then_by_name(
    config: dict[str, object], family: str
) -> None:
    assert nearest_family(config) == family


def test_a_family_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "mine" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"text_config": {**LLAMA, "model_type": "new"}}))
    read = read_config_file(path, formats=FORMATS, family="llama")
    assert read.name == "mine"
    assert read.kv_bytes(10).value == 2 * 2 * 16 * 2 * 10


def test_what_is_assumed_is_said() -> None:
    config = {key: LLAMA[key] for key in LLAMA if key not in ("tie_word_embeddings", "head_dim")}
    read = read_architecture(config, name="mine", formats=FORMATS)
    assert [each.split()[0] for each in read.assumptions] == ["head_dim", "tie_word_embeddings"]


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_a_broken_file_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(CostError, match=r"config\.json"):
        read_config_file(path, formats=FORMATS)
