"""The specification: float32 matrix product, rows in fixed tiles."""

import torch
import torch.nn.functional as F
from torch import Tensor

ROW_TILE = 16


def linear_reference(x: Tensor, weight: Tensor) -> Tensor:
    """Y = x @ weight.T with rows padded to tiles of 16.

    A library picks its summation order by the shape of the product. Every product here has 16
    rows, so a row's result does not depend on how many others there are.

    Args:
        x: (rows, in_features).
        weight: (out_features, in_features), same dtype.

    Returns:
        (rows, out_features).
    """
    rows = x.shape[0]
    padded = F.pad(x, (0, 0, 0, -rows % ROW_TILE))
    tiles = [F.linear(tile, weight) for tile in torch.split(padded, ROW_TILE)]
    return (tiles[0] if len(tiles) == 1 else torch.cat(tiles))[:rows]
