from dataclasses import replace
from pathlib import Path

import pytest

from regard.serving.errors import WeightsError
from regard.serving.models.vision.config import (
    VisionConfig,
    vision_from_hf,
    vision_tensor_shapes,
)

PATH = Path("config.json")


def read(data: dict[str, object]) -> VisionConfig | None:
    return vision_from_hf(data, PATH, text_hidden_size=64)


def test_the_released_model_has_169_tokens_a_picture_and_81_a_crop():
    released = VisionConfig(text_hidden_size=7168)
    assert (released.num_image_tokens, released.num_crop_tokens) == (169, 81)
    # The public code's default stride gives 676, which is not what its own processor writes.
    assert replace(released, projector_stride=1).num_image_tokens == 676


def test_the_released_encoder_has_over_four_billion_parameters():
    shapes = vision_tensor_shapes(VisionConfig(text_hidden_size=7168))
    total = 0
    for name, shape in shapes.items():
        if name.startswith("vision_model."):
            size = 1
            for length in shape:
                size *= length
            total += size
    assert total == pytest.approx(4.28e9, rel=0.01)


def test_official_keys_are_read():
    config = read(
        {
            "vision_config": {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2},
            "understand_projector_stride": 1,
            "projector_bias": False,
            "image_token_id": 7,
        }
    )
    assert config is not None
    assert (config.hidden_size, config.num_heads, config.num_layers) == (32, 4, 2)
    assert (config.projector_stride, config.projector_bias, config.image_token_id) == (1, False, 7)
    assert "vit_large_projector.bias" not in vision_tensor_shapes(config)


def test_a_model_without_vision_has_none():
    assert read({"text_config": {}}) is None


@pytest.mark.parametrize(
    ("vision", "message"),
    [
        ({"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ({"num_channels": 1}, "num_channels 1"),
        ({"num_attention_heads": 15}, "15 heads"),
        ({"image_size": 730}, "image_size 730"),
        ({"crop_size": 14}, "crop_size 14"),
    ],
)
def test_what_is_not_supported_is_named(vision: dict[str, object], message: str):
    with pytest.raises(WeightsError, match=message):
        read({"vision_config": vision})
