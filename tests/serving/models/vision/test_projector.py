"""The projector against torch's own convolutions in float64."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from regard.serving.models.numerics import choose_numerics
from regard.serving.models.vision.config import vision_tensor_shapes
from regard.serving.models.vision.projector import Projector
from regard.serving.models.weights import random_tensors
from tests.serving.tiny_vision import model_config

EXACT = choose_numerics("exact", "cpu", "auto")


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("grid", [12, 8])
def test_two_convolutions_and_a_linear_layer(stride: int, bias: bool, grid: int):
    config = replace(model_config().vision, projector_stride=stride, projector_bias=bias)
    tensors = dict(random_tensors(vision_tensor_shapes(config), seed=3))
    rows = torch.randn(2, grid * grid, config.hidden_size)
    square = rows.double().transpose(1, 2).reshape(2, -1, grid, grid)
    t = {name: tensor.double() for name, tensor in tensors.items()}
    square = F.conv2d(square, t["vit_downsampler.weight"], t["vit_downsampler.bias"], stride=stride)
    square = F.conv2d(
        square, t["vit_downsampler2.weight"], t["vit_downsampler2.bias"], stride=2, padding=1
    )
    expected = F.linear(
        square.flatten(2).transpose(1, 2),
        t["vit_large_projector.weight"],
        t.get("vit_large_projector.bias"),
    )
    found = Projector(config, tensors, EXACT)(rows)
    assert found.shape == expected.shape
    if grid == 12:
        assert found.shape[1] == config.num_image_tokens
    assert torch.allclose(found.double(), expected, atol=1e-5)
