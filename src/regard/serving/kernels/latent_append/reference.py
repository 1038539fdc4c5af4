"""Inner norm, rotation and append in plain torch."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.kernels.block_scaled.reference import quantise_rows


def rotate(
    x: Float[Tensor, "rows dim"], cos: Float[Tensor, "rows half"], sin: Float[Tensor, "rows half"]
) -> Float[Tensor, "rows dim"]:
    """RoPE over all dimensions, dimension i turned with dimension i + dim / 2."""
    low, high = x.chunk(2, dim=1)
    return torch.cat((low * cos - high * sin, high * cos + low * sin), dim=1)


def latent_append_reference(
    parts: Float[Tensor, "parts rows columns"],
    weight: Float[Tensor, " latent"],
    eps: float,
    cos: Float[Tensor, "rows half"],
    sin: Float[Tensor, "rows half"],
    positions: Int[Tensor, " rows"],
    block_table: Int[Tensor, "rows width"],
    cache: Float[Tensor, "pages two page dim"],
    *,
    k_scale: float,
    v_scale: float,
) -> tuple[Float[Tensor, "rows latent"], Float[Tensor, "blocks rows"]]:
    """The normalised latent query in e4m3 with its scales; writes keys and values in place."""
    total = parts.float().sum(dim=0)
    latent, dim = weight.shape[0], cache.shape[3]
    query, key, value = torch.tensor_split(total, (latent, latent + dim), dim=1)
    query = query * (query.square().mean(dim=1, keepdim=True) + eps).rsqrt() * weight
    page_size = cache.shape[2]
    page = block_table.gather(1, (positions // page_size)[:, None].long())[:, 0].long()
    slot = (positions % page_size).long()
    key = rotate(key, cos, sin)
    cache[page, 0, slot] = (key / k_scale).clamp(-448, 448).to(cache.dtype)
    cache[page, 1, slot] = (value / v_scale).clamp(-448, 448).to(cache.dtype)
    return quantise_rows(query)
