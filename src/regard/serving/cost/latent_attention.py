"""Multi-head latent attention (MLA), with or without the indexer of sparse attention."""

from __future__ import annotations

from dataclasses import dataclass

from regard.serving.cost.attention import Projection, query_projections
from regard.serving.cost.derivation import UNSAID_RULE, Term, term
from regard.serving.cost.precision import Precision

ABSORPTION_RULE = f"both absorptions count as projections; {UNSAID_RULE}"


@dataclass(frozen=True, kw_only=True)
class SparseIndex:
    """The indexer of DeepSeek sparse attention: it scores all tokens, attention reads the best."""

    heads: int
    """Heads of the indexer."""

    dim: int
    """Width of a head; one key of that width is cached for every token."""

    top_k: int
    """Tokens that attention reads."""

    precision: Precision
    """Format of the indexer's keys."""


@dataclass(frozen=True, kw_only=True)
class LatentAttention:
    """MLA with the up-projections absorbed into query and output."""

    layers: int
    """Layers of this kind."""

    hidden: int
    """Width of the residual."""

    heads: int
    """Query heads."""

    query_rank: int | None
    """Width of the low-rank query; None without one."""

    kv_rank: int
    """Width of the latent."""

    rope_dim: int
    """Width of the shared rotary key."""

    nope_dim: int
    """Width of a head's query without position."""

    value_dim: int
    """Width of a head's value."""

    kv_precision: Precision
    """Format of the cache."""

    index: SparseIndex | None = None
    """The indexer, where attention is sparse."""

    @property
    def family(self) -> str:
        """MLA, or DSA with an indexer."""
        return "MLA" if self.index is None else "DSA"

    @property
    def _latent(self) -> tuple[str, int]:
        return "(kv_rank + rope_dim)", self.kv_rank + self.rope_dim

    def _attended(self, context: int) -> tuple[str, int]:
        if self.index is None:
            return "context", context
        return "min(context, top_k)", min(context, self.index.top_k)

    def projections(self) -> tuple[Projection, ...]:
        """Query, latent, both absorptions, output, and the indexer's three."""
        width = self.heads * (self.nope_dim + self.rope_dim)
        latent = self.kv_rank + self.rope_dim
        return (
            *query_projections(self.hidden, self.query_rank, width),
            Projection("latent down", self.hidden, latent, "residual"),
            Projection(
                "absorbed key", self.heads * self.nope_dim, self.kv_rank, "query", ABSORPTION_RULE
            ),
            Projection(
                "absorbed value",
                self.heads * self.value_dim,
                self.kv_rank,
                "value",
                ABSORPTION_RULE,
            ),
            Projection("output", self.heads * self.value_dim, self.hidden, "heads"),
            *self._index_projections(),
        )

    def _index_projections(self) -> tuple[Projection, ...]:
        if self.index is None:
            return ()
        width = self.index.heads * self.index.dim
        reads = "residual" if self.query_rank is None else "low-rank query"
        return (
            Projection("index query", self.query_rank or self.hidden, width, reads),
            Projection("index key", self.hidden, self.index.dim, "residual"),
            Projection("index weights", self.hidden, self.index.heads, "residual"),
        )

    def kv_bytes(self, context: int) -> tuple[Term, ...]:
        """Latents of the attended tokens, and the indexer's keys of all."""
        latents = term(
            f"{self.family} latents",
            self._latent,
            ("layers", self.layers),
            self._attended(context),
            (f"bytes({self.kv_precision})", self.kv_precision.bytes_per_element),
        )
        return (latents, *self._index_bytes(context))

    def _index_bytes(self, context: int) -> tuple[Term, ...]:
        if self.index is None:
            return ()
        size = self.index.precision.bytes_per_element
        return (
            term(
                "index keys",
                ("index_dim", self.index.dim),
                ("layers", self.layers),
                ("context", context),
                (f"bytes({self.index.precision})", size),
            ),
        )

    def cached_bytes(self, context: int) -> float:
        """Latents and indexer's keys of all tokens: which are read is known only at run time."""
        latents = self._latent[1] * self.layers * context * self.kv_precision.bytes_per_element
        return latents + sum(each.value for each in self._index_bytes(context))

    def attention_flops(self, context: int) -> tuple[Term, ...]:
        """Q.K and P.V on the latent, and the indexer's scores."""
        attended = term(
            f"{self.family} q.k and p.v on the latent",
            ("heads", self.heads),
            self._latent,
            ("layers", self.layers),
            self._attended(context),
            scale=4,
            rule="kv_rank + rope_dim is counted for p.v too, though values are kv_rank wide; "
            + UNSAID_RULE,
        )
        if self.index is None:
            return (attended,)
        scores = term(
            "index scores",
            ("index_heads", self.index.heads),
            ("index_dim", self.index.dim),
            ("layers", self.layers),
            ("context", context),
            scale=2,
        )
        return attended, scores
