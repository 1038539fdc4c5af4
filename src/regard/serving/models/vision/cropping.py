"""How a picture is cut: sums over its width and height alone.

The rules are those of Step-3's processor as vLLM (`vllm/model_executor/models/step3_vl.py`) and
SGLang have it. Where a longest side is exactly the encoder's, 728, vLLM cuts and SGLang does not;
this follows SGLang.
"""

import math
from typing import NamedTuple

from regard.serving.models.vision.config import VisionConfig

# Shapes that decide how windows lie. A side beyond this ratio to the other is a strip.
_LONG_RATIO, _STRIP_RATIO = 1.5, 4
_THIN_SIDE = 32
# A last window that is filled less than this is left out by shrinking the picture.
_LEAST_FILL = 0.2


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    """Columns."""
    height: int
    """Rows."""


class CropPlan(NamedTuple):
    """What becomes of a picture."""

    padded: Size
    """Its size after padding to the right and below, black."""
    scaled: Size
    """Its size after shrinking to the longest side allowed."""
    canvas: Size
    """Its size when it is cut."""
    window: int
    """Side of a crop before it is resized; 0 where nothing is cut."""
    columns: int
    """Crops in a row."""
    rows: int
    """Rows of crops."""

    @property
    def num_crops(self) -> int:
        """All crops."""
        return self.columns * self.rows

    def corners(self) -> list[tuple[int, int]]:
        """Left and top of each crop, row by row."""
        return [
            (column * self.window, row * self.window)
            for row in range(self.rows)
            for column in range(self.columns)
        ]


def plan_crops(size: Size, config: VisionConfig) -> CropPlan:
    """Where a picture of this size is padded, shrunk and cut."""
    padded = _pad(size)
    scaled = _shrink(padded, config.max_side)
    window = _window(scaled, config)
    if window == 0:
        return CropPlan(padded, scaled, scaled, 0, 0, 0)
    canvas = Size(*(_round_to_windows(side, window) for side in scaled))
    # A canvas smaller than the window is filled up with black.
    columns, rows = (max(1, math.ceil(side / window)) for side in canvas)
    return CropPlan(padded, scaled, canvas, window, columns, rows)


def _pad(size: Size) -> Size:
    longest, shortest = max(size), min(size)
    if shortest < _THIN_SIDE and longest > _STRIP_RATIO * shortest:
        return Size(longest, longest)
    return size


def _shrink(size: Size, longest: int) -> Size:
    if max(size) <= longest:
        return size
    # In floats, as the model's own processor: 4000 * (3024 / 4000) may be a little under 3024.
    factor = longest / max(size)
    return Size(*(max(1, int(side * factor)) for side in size))


def _window(size: Size, config: VisionConfig) -> int:
    longest, shortest = max(size), min(size)
    ratio = longest / shortest
    if longest <= config.image_size:
        return shortest if ratio > _LONG_RATIO else 0
    return min(shortest, config.crop_size) if ratio > _STRIP_RATIO else config.crop_size


def _round_to_windows(side: int, window: int) -> int:
    if side < window:
        return side
    whole = side // window
    # The difference of floats is kept: 3.2 - 3 is more than 0.2, and the model was trained so.
    return window * (whole + 1 if side / window - whole > _LEAST_FILL else whole)
