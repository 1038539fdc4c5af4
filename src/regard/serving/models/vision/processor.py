"""From a decoded picture to the pixels that the encoder sees."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from regard.serving.models.vision.config import VisionConfig
from regard.serving.models.vision.cropping import CropPlan, Size, plan_crops

# Mean and standard deviation of red, green and blue in CLIP's training data (arXiv:2103.00020).
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


class PicturePixels(NamedTuple):
    """One picture, resized and normalised."""

    crops: Float[Tensor, "crops 3 crop_side crop_side"]
    """Its crops, row by row; none where it is small."""
    whole: Float[Tensor, "1 3 side side"]
    """All of it."""


def process(picture: Image.Image, config: VisionConfig) -> PicturePixels:
    """Pad, shrink, cut, resize and normalise an RGB picture."""
    plan = plan_crops(Size(*picture.size), config)
    if plan.padded != picture.size:
        padded = Image.new("RGB", plan.padded)
        padded.paste(picture)
        picture = padded
    picture = _resize(picture, plan.scaled)
    crops = [_pixels(crop, config.crop_size) for crop in _cut(picture, plan)]
    return PicturePixels(
        torch.cat(crops) if crops else torch.empty(0, 3, config.crop_size, config.crop_size),
        _pixels(picture, config.image_size),
    )


def _cut(picture: Image.Image, plan: CropPlan) -> list[Image.Image]:
    canvas, side = _resize(picture, plan.canvas), plan.window
    return [canvas.crop((x, y, x + side, y + side)) for x, y in plan.corners()]


def _resize(picture: Image.Image, size: Size) -> Image.Image:
    if picture.size == size:
        return picture
    return picture.resize(size, Image.Resampling.BILINEAR)


def _pixels(picture: Image.Image, side: int) -> Float[Tensor, "1 3 side side"]:
    """Normalised first and resized then, in float32, as the model's own processor does."""
    values = torch.from_numpy(np.array(picture, dtype=np.float32)).permute(2, 0, 1)[None] / 255
    mean, std = (torch.tensor(three).view(1, 3, 1, 1) for three in (CLIP_MEAN, CLIP_STD))
    values = (values - mean) / std
    if values.shape[-2:] == (side, side):
        return values
    return F.interpolate(values, size=(side, side), mode="bilinear", antialias=True)
