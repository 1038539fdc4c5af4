import numpy as np
import pytest
import torch
from PIL import Image

from regard.serving.models.vision.processor import CLIP_MEAN, CLIP_STD, process
from tests.serving.tiny_vision import model_config, picture

CONFIG = model_config().vision


def colour(red: int, green: int, blue: int) -> torch.Tensor:
    """What a pixel becomes."""
    values = [(c / 255 - m) / s for c, m, s in zip((red, green, blue), CLIP_MEAN, CLIP_STD)]  # noqa: B905
    return torch.tensor(values)


def test_colours_are_normalised():
    whole = process(Image.new("RGB", (48, 48), (255, 0, 100)), CONFIG).whole
    assert whole.shape == (1, 3, 48, 48)
    assert torch.allclose(whole[0, :, 7, 9], colour(255, 0, 100), atol=1e-5)


def test_pixels_keep_their_places():
    source = picture(48, 48)
    whole = process(source, CONFIG).whole
    for x, y in ((0, 0), (47, 0), (5, 40)):
        assert torch.allclose(whole[0, :, y, x], colour(*source.getpixel((x, y))), atol=1e-5)


def test_crops_are_the_parts_in_reading_order():
    source = picture(64, 64)
    crops = process(source, CONFIG).crops
    assert crops.shape == (4, 3, 32, 32)
    for number, (left, top) in enumerate([(0, 0), (32, 0), (0, 32), (32, 32)]):
        expected = colour(*source.getpixel((left + 3, top + 5)))
        assert torch.allclose(crops[number, :, 5, 3], expected, atol=1e-5)


def test_a_small_picture_has_no_crops():
    assert process(picture(20, 20), CONFIG).crops.shape == (0, 3, 32, 32)


def test_padding_is_black_and_to_the_right_and_below():
    whole = process(Image.new("RGB", (40, 8), (255, 255, 255)), CONFIG).whole
    assert torch.allclose(whole[0, :, 1, 1], colour(255, 255, 255), atol=1e-3)
    assert torch.allclose(whole[0, :, 40, 40], colour(0, 0, 0), atol=1e-3)


@pytest.mark.parametrize("side", [96, 24])
def test_resizing_averages_all_pixels(side: int):
    # Without antialiasing every second pixel of a fine checkerboard would vanish.
    board = np.indices((side, side)).sum(0) % 2 * 255
    fine = Image.fromarray(np.repeat(board[..., None], 3, axis=2).astype(np.uint8))
    whole = process(fine, CONFIG).whole
    assert whole.mean(dim=(0, 2, 3)).sub(colour(127, 127, 127)).abs().max() < 0.1
    if side == 96:
        assert whole.std() < 0.2
