"""The vision side on a GPU."""

import pytest
import torch

from regard.serving.models.numerics import choose_numerics
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.models.vision.vision_model import VisionModel
from regard.serving.prompt_image import PromptImage
from tests.serving.tiny_vision import (
    encoded,
    model_config,
    picture,
    random_weights,
    seeing_tokenizer,
)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
TOKENS = PictureTokens.of(model_config().vision, seeing_tokenizer(), "tiny")
IMAGE = PromptImage(encoded(picture(64, 96)), 0, 0)


def embed(mode: str, device: str, dtype: str = "auto") -> torch.Tensor:
    numerics = choose_numerics(mode, device, dtype)
    return VisionModel(TOKENS, random_weights(), numerics, cache_bytes=0).embed(IMAGE).cpu().float()


@pytest.mark.parametrize(("mode", "dtype", "error"), [
    ("exact", "auto", 1e-5), ("fast", "float32", 1e-3), ("fast", "bfloat16", 5e-2),
])  # fmt: skip
def test_a_gpu_sees_what_a_cpu_sees(mode: str, dtype: str, error: float):
    expected = embed("exact", "cpu")
    found = embed(mode, "cuda", dtype)
    assert (found - expected).norm() < error * expected.norm()
