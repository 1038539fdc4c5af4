import numpy as np
import pytest
import torch
from PIL import Image

from regard.serving.models.vision.processor import CLIP_MEAN, CLIP_STD, process
from tests.serving.models.vision.resampling import matrix, triangle
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


@pytest.mark.parametrize("size", [(60, 47), (120, 100), (20, 30)])
def test_pixels_are_resized_by_a_filter_as_wide_as_what_it_shrinks(size: tuple[int, int]):
    source = Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    )
    rows, columns = (matrix(side, 48, triangle) for side in (size[1], size[0]))
    pixels = torch.from_numpy(np.array(source)).double().permute(2, 0, 1) / 255
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (CLIP_MEAN, CLIP_STD))
    expected = rows @ ((pixels - mean) / std) @ columns.T
    assert (process(source, CONFIG).whole[0] - expected).abs().max() < 1e-4
