import json

import pytest
import torch
from safetensors.torch import save_file

from regard.serving.errors import WeightsError
from regard.serving.models.lora import load_lora
from tests.serving.tiny import LLAMA

# Adapters made by peft answer as merged models in test_llama.py.
PREFIX = "base_model.model.model.layers.0.self_attn.q_proj"
OPTIONS = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none"}


def save(folder, options=None, tensors=None):
    matrices = {
        f"{PREFIX}.lora_A.weight": torch.ones(4, 64),
        f"{PREFIX}.lora_B.weight": torch.ones(64, 4),
    }
    (folder / "adapter_config.json").write_text(json.dumps(OPTIONS | (options or {})))
    save_file(matrices if tensors is None else tensors, folder / "adapter_model.safetensors")
    return load_lora("x", folder, LLAMA)


@pytest.mark.parametrize(("options", "scaling"), [({}, 2.0), ({"use_rslora": True}, 4.0)])
def test_scaling_follows_the_rank(tmp_path, options, scaling):
    adapter = save(tmp_path, options)
    assert adapter.scaling == scaling
    assert list(adapter.matrices) == ["model.layers.0.self_attn.q_proj"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"peft_type": "IA3"}, "'IA3'"),
    ],
)
def test_what_is_not_supported_is_named(tmp_path, options, message):
    with pytest.raises(WeightsError, match=f"not supported: .*{message}"):
        save(tmp_path, options)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({f"{PREFIX}.lora_A.weight": torch.ones(4, 64)}, "lora_B of model.layers.0.*missing"),
        (
            {
                f"{PREFIX}.lora_A.weight": torch.ones(4, 63),
                f"{PREFIX}.lora_B.weight": torch.ones(64, 4),
            },
            r"A is \(4, 63\).*needs \(4, 64\)",
        ),
        (
            {"base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight": torch.ones(4, 64)},
            "not in this model",
        ),
        ({"something.weight": torch.ones(1)}, "no LoRA matrix"),
    ],
)
def test_matrices_of_another_model_are_named(tmp_path, tensors, message):
    with pytest.raises(WeightsError, match=message):
        save(tmp_path, tensors=tensors)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"adapter_config\.json"):
        load_lora("x", tmp_path, LLAMA)
    (tmp_path / "adapter_config.json").write_text(json.dumps(OPTIONS))
    with pytest.raises(WeightsError, match=r"adapter_model\.safetensors"):
        load_lora("x", tmp_path, LLAMA)
