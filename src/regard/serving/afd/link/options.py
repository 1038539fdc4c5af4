"""What both ends of a link must agree on, and how this end waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from regard.serving.afd.codec import Codec, Shape


@dataclass(frozen=True, kw_only=True)
class LinkOptions:
    """A link's parameters."""

    token: str
    """The shared secret."""
    digest: str
    """Of the model and its numerics: instances with different ones refuse each other."""
    codec: Codec
    """How rows and results look on the way."""
    hidden: int
    """Width of a row."""
    top_k: int
    """Most routed experts a row."""
    num_microbatches: int
    """Micro-batches under way at a time."""
    max_rows: int
    """Most rows in one."""
    spin_seconds: float = 0.0
    """How long to spin before sleeping in a wait."""
    delay_seconds: float = 0.0
    """Every message becomes visible so much later: a slower wire, for experiments."""

    @property
    def largest(self) -> Shape:
        """The largest micro-batch."""
        return Shape(self.max_rows, self.hidden, self.top_k)

    @property
    def delay_ns(self) -> int:
        """The delay in nanoseconds."""
        return int(self.delay_seconds * 1e9)

    def hello(self) -> Mapping[str, Any]:
        """What both ends compare in their handshake."""
        return {
            "purpose": "rows",
            "digest": self.digest,
            "wire": self.codec.name,
            "num_microbatches": self.num_microbatches,
            "max_rows": self.max_rows,
        }
