"""Rotary position embedding tables."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from regard.serving.errors import InvalidRequestError


def rope_tables(
    *, head_dim: int, theta: float, scaling: Mapping[str, Any] | None, max_positions: int
) -> tuple[Float[Tensor, "positions half"], Float[Tensor, "positions half"]]:
    """Cosines and sines of position * frequency, float32.

    Args:
        head_dim: rotated dimensions of a head.
        theta: base of the frequencies.
        scaling: Hugging Face `rope_scaling`; none, "linear" and "llama3" are known.
        max_positions: rows of the tables.

    Raises:
        InvalidRequestError: an unknown kind of scaling.
    """
    # float32 throughout, as transformers computes them: identity tests compare the logits.
    exponents = torch.arange(0, head_dim, 2, dtype=torch.int64).float() / head_dim
    frequencies = _scaled(1.0 / (theta**exponents), scaling)
    angles = torch.outer(torch.arange(max_positions, dtype=torch.float32), frequencies)
    return angles.cos().contiguous(), angles.sin().contiguous()


def _scaled(frequencies: Tensor, scaling: Mapping[str, Any] | None) -> Tensor:
    kind = (scaling or {}).get("rope_type", (scaling or {}).get("type", "default"))
    if scaling is None or kind == "default":
        return frequencies
    if kind == "linear":
        return frequencies / float(scaling["factor"])
    if kind != "llama3":
        raise InvalidRequestError(f"rope scaling {kind!r} is not supported; known: linear, llama3")
    factor, original = float(scaling["factor"]), float(scaling["original_max_position_embeddings"])
    low, high = float(scaling["low_freq_factor"]), float(scaling["high_freq_factor"])
    wavelengths = 2 * math.pi / frequencies
    smooth = ((original / wavelengths - low) / (high - low)).clamp(0, 1)
    # Short waves stay, long ones are stretched, those between are blended (Llama 3.1).
    return frequencies * ((1 - smooth) / factor + smooth)
