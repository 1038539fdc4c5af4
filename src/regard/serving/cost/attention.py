"""What the attention layers of one kind read and compute for one decoded token.

Counting follows the Step-3 report (arXiv:2507.19427, section 3): a multiply-add is two operations,
bytes are what is read of the cache, and linear projections are counted apart from attention proper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from regard.serving.cost.derivation import Term, term
from regard.serving.cost.precision import Precision


class Projection(NamedTuple):
    """One matrix of a layer."""

    name: str
    """What it makes."""

    inputs: int
    """Its input width, over all heads."""

    outputs: int
    """Its output width; for a matrix of each head, that of one head."""

    reads: str
    """What it is applied to; matrices that read the same can run as one."""

    rule: str | None = None
    """A counting rule that the paper does not state; None where it does."""


class AttentionLayers(Protocol):
    """The attention layers of one kind."""

    @property
    def family(self) -> str:
        """What the kind is called."""

    @property
    def layers(self) -> int:
        """How many layers are of this kind."""

    @property
    def kv_precision(self) -> Precision:
        """Format of what is cached."""

    def projections(self) -> tuple[Projection, ...]:
        """The matrices of one layer."""

    def kv_bytes(self, context: int) -> tuple[Term, ...]:
        """Cache bytes moved for one token of all these layers."""

    def cached_bytes(self, context: int) -> float:
        """Cache bytes kept for one sequence in all these layers."""

    def attention_flops(self, context: int) -> tuple[Term, ...]:
        """Operations on the cache for one token of all these layers."""


def linear_flops(attention: AttentionLayers) -> tuple[Term, ...]:
    """Operations of the projections for one token of all the layers of a kind."""
    return tuple(
        term(
            f"{attention.family} {each.name}",
            ("inputs", each.inputs),
            ("outputs", each.outputs),
            ("layers", attention.layers),
            scale=2,
            rule=each.rule,
        )
        for each in attention.projections()
    )


def query_projections(hidden: int, rank: int | None, width: int) -> list[Projection]:
    """The query's matrix, or its two where it passes through a low rank."""
    if rank is None:
        return [Projection("query", hidden, width, "residual")]
    return [
        Projection("query down", hidden, rank, "residual"),
        Projection("query up", rank, width, "low-rank query"),
    ]


def fused_shapes(projections: Sequence[Projection]) -> list[tuple[int, int]]:
    """(inputs, outputs) of the products that run when matrices with equal input are joined."""
    joined: dict[str, tuple[int, int]] = {}
    for each in projections:
        _, outputs = joined.get(each.reads, (0, 0))
        joined[each.reads] = (each.inputs, outputs + each.outputs)
    return list(joined.values())
