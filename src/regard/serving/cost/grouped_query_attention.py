"""Grouped-query attention: GQA, MQA and MFA, over all tokens or a window."""

from __future__ import annotations

from dataclasses import dataclass

from regard.serving.cost.attention import Projection, query_projections
from regard.serving.cost.derivation import Term, term
from regard.serving.cost.precision import Precision


@dataclass(frozen=True, kw_only=True)
class GroupedQueryAttention:
    """GQA, MQA and MFA, over the whole context, a sliding window or a chunk."""

    layers: int
    """Layers of this kind."""

    hidden: int
    """Width of the residual."""

    heads: int
    """Query heads."""

    kv_heads: int
    """Key heads, and value heads."""

    key_dim: int
    """Width of a query or key head."""

    value_dim: int
    """Width of a value head."""

    kv_precision: Precision
    """Format of the cache."""

    query_rank: int | None = None
    """Width of the low-rank query of MFA; None without one."""

    window: int | None = None
    """Tokens that a layer sees at most; None for all."""

    @property
    def family(self) -> str:
        """MFA with a low-rank query, else GQA; with its window if it has one."""
        name = "MFA" if self.query_rank else "GQA"
        return name if self.window is None else f"{name} window {self.window}"

    def _seen(self, context: int) -> tuple[str, int]:
        if self.window is None:
            return "context", context
        return "min(context, window)", min(context, self.window)

    def projections(self) -> tuple[Projection, ...]:
        """Query (in one or two steps), key, value and output."""
        width = self.heads * self.key_dim
        return (
            *query_projections(self.hidden, self.query_rank, width),
            Projection("key", self.hidden, self.kv_heads * self.key_dim, "residual"),
            Projection("value", self.hidden, self.kv_heads * self.value_dim, "residual"),
            Projection("output", self.heads * self.value_dim, self.hidden, "heads"),
        )

    def kv_bytes(self, context: int) -> tuple[Term, ...]:
        """Keys and values of every token seen."""
        return (
            term(
                f"{self.family} keys and values",
                ("kv_heads", self.kv_heads),
                ("(key_dim + value_dim)", self.key_dim + self.value_dim),
                ("layers", self.layers),
                self._seen(context),
                (f"bytes({self.kv_precision})", self.kv_precision.bytes_per_element),
            ),
        )

    def cached_bytes(self, context: int) -> float:
        """All that is read is what is kept."""
        return sum(each.value for each in self.kv_bytes(context))

    def attention_flops(self, context: int) -> tuple[Term, ...]:
        """Q.K and P.V."""
        return (
            term(
                f"{self.family} q.k and p.v",
                ("heads", self.heads),
                ("(key_dim + value_dim)", self.key_dim + self.value_dim),
                ("layers", self.layers),
                self._seen(context),
                scale=2,
            ),
        )
