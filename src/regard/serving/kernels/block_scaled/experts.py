"""The experts of one FFN GPU: gate, up, SwiGLU, quantisation; down."""

from dataclasses import dataclass, replace

from torch import Tensor

from regard.serving.kernels.block_scaled import build
from regard.serving.kernels.block_scaled.launch import Launch, Rows, Weight, blocks_a_part, prepare

TILE = 256


@dataclass(frozen=True)
class Cut:
    """How the work of the experts is cut."""

    rows: int
    """Tokens that pass by a tile of a weight at most: a member of `build.ROWS`. An expert with more
    takes several passes; one with fewer is copied and multiplied in steps of 64. No more than 128
    of the shared expert pass by a tile of its gate and up."""

    num_whole: int
    """Tiles of the down projections that are not cut: as many as there are pairs of blocks."""

    num_splits: int = 3
    """Parts of the others."""

    spare_blocks: int = 0
    """Multiprocessors to leave to other kernels."""


@dataclass(frozen=True)
class Owned:
    """Tokens of the routed experts that this GPU owns, each expert's together."""

    rows: Rows
    """(experts * capacity, hidden), an expert's tokens first, then anything finite."""

    counts: Tensor
    """(experts,) int32: how many tokens each has."""

    @property
    def num_experts(self) -> int:
        """Routed experts on this GPU."""
        return self.counts.shape[0]

    @property
    def capacity(self) -> int:
        """Rows that an expert has room for."""
        return self.rows.values.shape[0] // max(self.num_experts, 1)


def gated_linear(
    everyone: Rows, owned: Owned, weight: Weight, routed: Rows, shared: Rows, cut: Cut
) -> Launch:
    """SwiGLU of gate and up, quantised: routed experts over their tokens, the shared over all.

    Args:
        everyone: (tokens, hidden).
        owned: With the routed experts' tokens; it may have no expert.
        weight: Gate and up of each routed expert, then gate and up of the shared one, stacked.
        routed: (experts * capacity, width), written.
        shared: (tokens, shared width), written.
        cut: How.

    Raises:
        ValueError: The weight has other rows than the experts need.
    """
    num_tokens = everyone.values.shape[0]
    width, shared_width = routed.values.shape[1], shared.values.shape[1]
    needed = 2 * (owned.num_experts * width + shared_width)
    if weight.values.shape[0] != needed:
        raise ValueError(f"a weight of {weight.values.shape[0]} rows; the experts need {needed}")
    integers = {
        "num_rows": num_tokens,
        "num_experts": owned.num_experts,
        "capacity": owned.capacity,
        "width": width,
        "shared_width": shared_width,
        "scale_stride": routed.scales.stride(0),
        "shared_scale_stride": shared.scales.stride(0),
    }
    tensors = {
        "counts": owned.counts,
        "out": routed.values,
        "out_scales": routed.scales,
        "shared_out": shared.values,
        "shared_scales": shared.scales,
    }
    return prepare(
        build.GATED,
        cut.rows,
        weight,
        owned.rows if owned.num_experts else everyone,
        shared_x=everyone,
        spare_blocks=cut.spare_blocks,
        integers=integers,
        tensors=tensors,
    )


@dataclass(frozen=True)
class Tokens:
    """Tokens with their routes."""

    rows: Rows
    """(tokens, hidden)."""

    chosen: Tensor
    """(tokens, 3) int32: experts."""

    shares: Tensor
    """(tokens, 3) float32: the router's weights."""


@dataclass(frozen=True)
class Window:
    """Which tokens of a pool: those that step and salt choose, one after the other."""

    step: Tensor
    """(1,) int64, read when the kernel runs."""

    salt: int
    """Any number from 0 on."""


def filling(gated: Launch, pool: Tokens, window: Window, target: Tokens, first: int) -> Launch:
    """`gated`, whose idle warps also copy pooled tokens to rows `first` and on of the target.

    Nothing that the launch reads may be part of the target.
    """
    num_rows = target.rows.values.shape[0]
    integers = {
        "pool_rows": pool.rows.values.shape[0],
        "fill_count": num_rows - first,
        "fill_first": first,
        "fill_salt": window.salt,
        "pool_scale_stride": pool.rows.scales.stride(0),
        "fill_scale_stride": target.rows.scales.stride(0),
    }
    tensors = {
        "step": window.step,
        "pool": pool.rows.values,
        "pool_scales": pool.rows.scales,
        "pool_chosen": pool.chosen,
        "pool_shares": pool.shares,
        "fill": target.rows.values,
        "fill_scales": target.rows.scales,
        "fill_chosen": target.chosen,
        "fill_shares": target.shares,
    }
    return gated.with_task(integers, tensors)


def routed_down(hidden: Rows, owned: Owned, weight: Weight, out: Tensor, cut: Cut) -> Launch:
    """Each routed expert's down projection of its tokens.

    Args:
        hidden: (experts * capacity, width).
        owned: Whose counts apply.
        weight: (experts * hidden size, width), stacked.
        out: (parts, experts * capacity, hidden size) bfloat16, written where there are tokens; the
            sum over the parts is the result. Tiles that are not cut leave all but the first alone.
        cut: How.

    Raises:
        ValueError: A size does not fit.
    """
    num_parts, lines, outer = out.shape
    if outer % TILE or weight.values.shape[0] != owned.num_experts * outer:
        raise ValueError(
            f"a weight of {weight.values.shape[0]} rows for {owned.num_experts} x {outer} columns"
        )
    integers = {
        "blocks_a_split": blocks_a_part(hidden.values.shape[1], num_parts),
        "num_splits": num_parts,
        "num_whole": cut.num_whole,
        "num_tiles": outer // TILE,
        "num_rows": lines,
        "lines": lines,
        "outer": outer,
        "num_experts": owned.num_experts,
        "capacity": owned.capacity,
    }
    tensors = {"counts": owned.counts, "out": out}
    return prepare(
        build.DOWN,
        cut.rows,
        weight,
        hidden,
        spare_blocks=cut.spare_blocks,
        integers=integers,
        tensors=tensors,
    )


def whole_down(hidden: Rows, count: Tensor, weight: Weight, out: Tensor, cut: Cut) -> Launch:
    """The down projection of an expert to which all tokens go.

    Args:
        hidden: (tokens, width).
        count: (1,) int32: how many tokens there are.
        weight: (hidden size, width).
        out: (tokens, hidden size) bfloat16, written.
        cut: How; no tile is cut.

    Raises:
        ValueError: A size does not fit.
    """
    whole = replace(cut, num_whole=out.numel())
    return routed_down(hidden, Owned(hidden, count), weight, out[None], whole)
