"""What every link between attention and FFN instances does.

An attention instance has a number of micro-batches under way, each with one message out at most:
it sends the rows of (micro-batch, layer) to every FFN instance and later takes the sum of their
results, in float32. So one buffer a micro-batch and direction is enough, and whatever was sent can
be sent again while its result is missing.
"""

from typing import NamedTuple, Protocol

from jaxtyping import Float
from torch import Tensor

from regard.serving.models.feed_forward import FeedForwardInput


class Key(NamedTuple):
    """What a message is about."""

    step: int
    """The attention instance's count of forward passes, so that late answers can be told."""
    layer: int
    """From 0."""
    microbatch: int
    """From 0."""


class StepLostError(Exception):
    """What was under way went with an FFN instance: the whole step must be taken again.

    Links that can send again what is unanswered never raise it.
    """


class AttentionEnd(Protocol):
    """The link as an attention instance has it."""

    def send(self, key: Key, rows: FeedForwardInput) -> None:
        """Hand rows to every FFN instance; returns before they are worked on.

        Raises:
            InstanceLostError: an FFN instance is gone and was not replaced in time.
            StepLostError: one was lost with results of this step.
        """
        ...

    def receive(self, key: Key) -> Float[Tensor, "rows hidden"]:
        """All results of rows sent before, added up in float32; errors as of `send`.

        On a GPU they may come later: what the current stream does next waits for them.
        """
        ...

    def settle(self) -> None:
        """Wait until all that was received is there, at the end of a step.

        Raises:
            StepLostError: some of it never came.
        """
        ...

    def close(self) -> None:
        """Hang up."""
        ...


class Arrival(NamedTuple):
    """Rows that wait for their feed-forward."""

    source: int
    """Which attention instance, as the link numbers them."""
    key: Key
    """What they are."""
    rows: FeedForwardInput
    """The rows; they may be overwritten once the result was sent."""


class FeedForwardEnd(Protocol):
    """The link as an FFN instance has it."""

    def receive(self, timeout_seconds: float | None = None) -> list[Arrival]:
        """All rows that wait, oldest first; waits for the first. Empty after the time."""
        ...

    def send(self, arrival: Arrival, result: Float[Tensor, "rows hidden"]) -> None:
        """Answer. A source that is gone is no error."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...
