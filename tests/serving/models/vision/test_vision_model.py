import pytest
import torch

from regard.serving.models.numerics import choose_numerics
from regard.serving.models.vision.cropping import Size
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.models.vision.processor import process
from regard.serving.models.vision.vision_model import VisionModel
from tests.serving.tiny_vision import model_config, picture, random_weights, seeing_tokenizer

TOKENS = PictureTokens.of(model_config().vision, seeing_tokenizer(), "tiny")
WIDTH = 64


def model(cache_bytes: int = 10**6) -> VisionModel:
    numerics = choose_numerics("exact", "cpu", "auto")
    return VisionModel(TOKENS, random_weights(), numerics, cache_bytes=cache_bytes)


@pytest.mark.parametrize("size", [(48, 48), (64, 96), (128, 128), (40, 4), (128, 20)])
def test_there_is_an_embedding_for_each_placeholder(size):
    layout = TOKENS.layout(Size(*size))
    embedded = model().embed(picture(*size), "a")
    assert embedded.shape == (layout.count(TOKENS.placeholder), WIDTH)


def test_crops_come_before_the_whole_in_reading_order():
    seeing, source = model(), picture(128, 96)
    pixels = process(source, TOKENS.config)
    assert pixels.crops.shape[0] == 12
    embedded = seeing.embed(source, "a")
    numerics = seeing
    for number in range(12):
        alone = numerics._projector(numerics._encoder(pixels.crops[number : number + 1]))[0]
        assert torch.equal(embedded[4 * number : 4 * number + 4], alone)
    assert torch.equal(embedded[48:], numerics._projector(numerics._encoder(pixels.whole))[0])


def test_recent_pictures_are_remembered_up_to_a_limit():
    one = 9 * WIDTH * 4
    seeing = model(cache_bytes=2 * one)
    made = {name: seeing.embed(picture(48, 48, ord(name)), name) for name in "ab"}
    assert seeing.recent("a") is made["a"]
    seeing.embed(picture(48, 48, 3), "c")
    # b was the one least lately asked for.
    assert seeing.recent("b") is None
    assert seeing.recent("a") is made["a"]


def test_a_picture_larger_than_the_memory_is_not_kept():
    seeing = model(cache_bytes=10)
    seeing.embed(picture(48, 48), "a")
    assert seeing.recent("a") is None
