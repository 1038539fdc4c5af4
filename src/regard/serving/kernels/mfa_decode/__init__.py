"""MFA decode: one query a sequence, 64 heads that share one key and one value head, paged cache."""

from torch import Tensor

from regard.serving.kernels.mfa_decode import hopper
from regard.serving.kernels.mfa_decode.reference import mfa_decode_reference
from regard.serving.kernels.mfa_decode.shapes import check_arguments
from regard.serving.kernels.mfa_decode.tile_map import TileMap

__all__ = ["mfa_decode"]


def mfa_decode(
    queries: Tensor,
    cache: Tensor,
    block_table: Tensor,
    tile_map: TileMap,
    *,
    scale: float,
    k_scale: float,
    v_scale: float,
    overlap: bool = False,
) -> Tensor:
    """Attention of each sequence's newest token over all of its tokens.

    Runs the Hopper kernel where `hopper.why_unavailable` has no objection to the queries' device,
    else the reference.

    Args:
        queries: (sequences, 64, 256) bfloat16, rotated.
        cache: (pages, 2, 64, 256) bfloat16 or float8_e4m3fn: a page holds the keys of 64 tokens,
            then their values. A token's key is `cache * k_scale`, its value `cache * v_scale`. What
            stands behind the last token of a page must be finite: make caches with zeros.
        block_table: (sequences, width) int32 page ids, those that hold no token ignored.
        tile_map: Made from the same sequences' lengths for this device, once a step.
        scale: Factor on the scores, dim ** -0.5 in Step-3.
        k_scale: One factor for all keys of the cache.
        v_scale: One factor for all values of the cache.
        overlap: Start copying before the kernel ahead in the stream has ended. Allowed only if that
            kernel writes neither the tile map, nor the block table, nor any key or value other than
            those of each sequence's newest token.

    Returns:
        (sequences, 64, 256) bfloat16.

    Raises:
        ValueError: A tensor has another shape, type, layout or device.
    """
    check_arguments(queries, cache, block_table, tile_map)
    if hopper.why_unavailable(queries.device) is None:
        return hopper.mfa_decode_hopper(
            queries,
            cache,
            block_table,
            tile_map,
            scale=scale,
            k_scale=k_scale,
            v_scale=v_scale,
            overlap=overlap,
        )
    lengths = tile_map.lengths[: queries.shape[0]]
    return mfa_decode_reference(
        queries, cache, block_table, lengths, scale=scale, k_scale=k_scale, v_scale=v_scale
    )
