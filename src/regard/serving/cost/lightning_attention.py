"""Linear attention with a constant state."""

from __future__ import annotations

from dataclasses import dataclass

from regard.serving.cost.attention import Projection
from regard.serving.cost.derivation import UNSAID_RULE, Term, term
from regard.serving.cost.precision import Precision


@dataclass(frozen=True, kw_only=True)
class LightningAttention:
    """Linear attention with a state of heads x head_dim x head_dim, as in MiniMax M1."""

    layers: int
    """Layers of this kind."""

    hidden: int
    """Width of the residual."""

    heads: int
    """Heads."""

    head_dim: int
    """Width of a head."""

    kv_precision: Precision
    """Format of the state."""

    @property
    def family(self) -> str:
        """Lightning."""
        return "lightning"

    @property
    def _state(self) -> tuple[tuple[str, float], ...]:
        return (
            ("layers", self.layers),
            ("heads", self.heads),
            ("head_dim", self.head_dim),
            ("head_dim", self.head_dim),
        )

    def projections(self) -> tuple[Projection, ...]:
        """Query, key, value, gate and output."""
        width = self.heads * self.head_dim
        inner = [
            Projection(name, self.hidden, width, "residual")
            for name in ("query", "key", "value", "gate")
        ]
        return (*inner, Projection("output", width, self.hidden, "heads"))

    def kv_bytes(self, context: int) -> tuple[Term, ...]:
        """The state, read and written; the same at every context."""
        return (
            term(
                "lightning state, read and written",
                *self._state,
                (f"bytes({self.kv_precision})", self.kv_precision.bytes_per_element),
                scale=2,
                rule=f"the state counts twice, once read and once written; {UNSAID_RULE}",
            ),
        )

    def cached_bytes(self, context: int) -> float:
        """The state once."""
        return sum(each.value for each in self.kv_bytes(context)) / 2

    def attention_flops(self, context: int) -> tuple[Term, ...]:
        """Operations on the state; the same at every context."""
        return (
            term(
                "lightning state",
                *self._state,
                scale=10,
                rule=f"ten operations an element of the state; {UNSAID_RULE}",
            ),
        )
