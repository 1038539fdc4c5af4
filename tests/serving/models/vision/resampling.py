"""Resampling written out: a filter that is as wide as what it shrinks."""

from collections.abc import Callable

import torch
from torch import Tensor


def triangle(x: float) -> float:
    """Bilinear."""
    return max(0.0, 1.0 - abs(x))


def cubic(x: float) -> float:
    """Bicubic as image libraries shrink: Keys' kernel with a = -0.5."""
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def matrix(source: int, target: int, kernel: Callable[[float], float]) -> Tensor:
    """(target, source) weights in float64."""
    scale = source / target
    width = max(1.0, scale)
    rows = [
        [kernel((j + 0.5 - (i + 0.5) * scale) / width) for j in range(source)]
        for i in range(target)
    ]
    weights = torch.tensor(rows, dtype=torch.float64)
    return weights / weights.sum(1, keepdim=True)
