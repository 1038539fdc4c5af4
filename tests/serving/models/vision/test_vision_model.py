from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from regard.serving.models.numerics import choose_numerics
from regard.serving.models.vision.cropping import Size
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.models.vision.processor import process
from regard.serving.models.vision.vision_model import VisionModel
from regard.serving.prompt_image import PromptImage
from tests.serving.tiny_vision import (
    encoded,
    model_config,
    picture,
    random_weights,
    seeing_tokenizer,
)

TOKENS = PictureTokens.of(model_config().vision, seeing_tokenizer(), "tiny")
WIDTH = 64


def model(cache_bytes: int = 10**6) -> VisionModel:
    numerics = choose_numerics("exact", "cpu", "auto")
    return VisionModel(TOKENS, random_weights(), numerics, cache_bytes=cache_bytes)


def image(width: int, height: int, seed: int = 0) -> PromptImage:
    return PromptImage(encoded(picture(width, height, seed)), 0, 0)


@pytest.mark.parametrize("size", [(48, 48), (64, 96), (128, 128), (40, 4), (128, 20)])
def test_there_is_an_embedding_for_each_placeholder(size):
    layout = TOKENS.layout(Size(*size))
    embedded = model().embed(image(*size))
    assert embedded.shape == (layout.count(TOKENS.placeholder), WIDTH)


def test_crops_come_before_the_whole_in_reading_order():
    seeing = model()
    pixels = process(picture(128, 96), TOKENS.config)
    assert pixels.crops.shape[0] == 12
    embedded = seeing.embed(image(128, 96))
    for number in range(12):
        crop = pixels.crops[number : number + 1]
        alone = seeing._projector(seeing._encoder(crop))[0]
        assert torch.equal(embedded[4 * number : 4 * number + 4], alone)
    assert torch.equal(embedded[48:], seeing._projector(seeing._encoder(pixels.whole))[0])


def test_recent_pictures_are_remembered_up_to_a_limit():
    seeing = model(cache_bytes=2 * 9 * WIDTH * 4)
    first, second, third = (image(48, 48, seed) for seed in range(3))
    embedded = seeing.embed(first)
    forgotten = seeing.embed(second)
    assert seeing.embed(first) is embedded
    seeing.embed(third)
    assert seeing.embed(first) is embedded
    # The second was the one least lately asked for.
    again = seeing.embed(second)
    assert again is not forgotten
    assert torch.equal(again, forgotten)


def test_a_picture_larger_than_the_memory_is_not_kept():
    seeing = model(cache_bytes=10)
    assert seeing.embed(image(48, 48)) is not seeing.embed(image(48, 48))


def test_pictures_are_embedded_from_any_thread():
    seeing = model()
    images = [image(64, 96, seed) for seed in range(6)]
    expected = [model().embed(each) for each in images]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(seeing.embed, images))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
