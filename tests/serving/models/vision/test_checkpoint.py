"""A checkpoint with vision: what is missing in it, and who holds which part."""

import pytest
import torch

from regard.serving.config import EngineConfig
from regard.serving.errors import WeightsError
from regard.serving.models.loader import load
from regard.serving.models.memory import attention_shapes, is_feed_forward
from regard.serving.models.weights import open_model, tensor_shapes
from tests.serving.tiny_vision import model_config, random_weights, write_checkpoint

NAMES = [
    "vision_model.embeddings.class_embedding",
    "vision_model.embeddings.patch_embedding.weight",
    "vision_model.transformer.layers.1.self_attn.qkv_proj.bias",
    "vision_model.transformer.layers.0.layer_norm2.weight",
    "vision_model.transformer.layers.0.mlp.fc1.weight",
    "vit_downsampler.weight",
    "vit_downsampler2.bias",
    "vit_large_projector.weight",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_tensor_is_named(tmp_path, name: str):
    tensors = random_weights()
    del tensors[name]
    write_checkpoint(tmp_path, tensors)
    with pytest.raises(WeightsError, match=f"tensor {name} missing"):
        open_model(str(tmp_path), load_format="auto", seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_misshapen_tensor_is_named_with_both_shapes(tmp_path, name: str):
    tensors = random_weights()
    shape = tuple(tensors[name].shape)
    tensors[name] = torch.zeros(*shape, 2)
    write_checkpoint(tmp_path, tensors)
    with pytest.raises(WeightsError, match=rf"{name} is .*2\); the configuration says") as refusal:
        open_model(str(tmp_path), load_format="auto", seed=0)
    assert str(shape) in str(refusal.value)


@pytest.mark.parametrize("load_format", ["auto", "dummy"])
def test_a_model_with_vision_sees(tmp_path, load_format):
    write_checkpoint(tmp_path)
    options = {"device": "cpu", "kv_cache_memory_gib": 0.01, "load_format": load_format}
    loaded = load(EngineConfig(model=str(tmp_path), **options))
    assert loaded.vision is not None
    assert loaded.picture_tokens is loaded.vision.tokens


def test_the_vision_side_belongs_to_attention_and_not_to_the_feed_forwards():
    shapes = tensor_shapes(model_config())
    vision = {name for name in shapes if name.startswith("vi")}
    assert len(vision) == 4 + 6 + 12 * 2
    assert vision <= attention_shapes(shapes).keys()
    assert is_feed_forward("model.layers.0.mlp.up_proj.weight")
