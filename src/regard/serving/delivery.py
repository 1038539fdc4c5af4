"""From the thread that makes outputs to the caller that awaits them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from regard.serving.errors import (
    InstanceLostError,
    InvalidRequestError,
    ServingError,
    StepFailedError,
)
from regard.serving.outputs import RequestOutput
from regard.serving.sequences import GRAMMAR, INSTANCE_LOST

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Mailbox:
    """Where the outputs of all sequences of one request go; made in the caller's event loop."""

    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    """The caller's."""
    queue: asyncio.Queue[RequestOutput | Exception] = field(default_factory=asyncio.Queue)
    """What has not been taken yet."""

    def put(self, item: RequestOutput | Exception) -> None:
        """Hand something over, from any thread."""
        try:
            self.loop.call_soon_threadsafe(self.queue.put_nowait, item)
        except RuntimeError:
            logger.debug("a caller has closed its event loop")

    async def outputs(self, num_sequences: int) -> AsyncGenerator[RequestOutput, None]:
        """Yield outputs until so many sequences have ended.

        Raises:
            ServingError: what was put in place of an output, or what a failed one stands for.
        """
        remaining = num_sequences
        while remaining:
            item = await self.queue.get()
            if isinstance(item, Exception):
                raise item
            if item.finish_reason == "error":
                raise failure(item)
            remaining -= item.finish_reason is not None
            yield item


def put_all(items: Sequence[tuple[Mailbox, RequestOutput]]) -> None:
    """Hand a step's outputs over, from any thread: one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Mailbox, RequestOutput]]] = {}
    for mailbox, item in items:
        by_loop.setdefault(mailbox.loop, []).append((mailbox, item))
    for loop, own in by_loop.items():
        try:
            loop.call_soon_threadsafe(_put_now, own)
        except RuntimeError:
            logger.debug("callers have closed their event loop")


def _put_now(items: Sequence[tuple[Mailbox, RequestOutput]]) -> None:
    for mailbox, item in items:
        mailbox.queue.put_nowait(item)


def failure(output: RequestOutput) -> ServingError:
    """The error that an output with finish reason `error` stands for."""
    message = output.error or "the step failed"
    if output.stop_reason == GRAMMAR:
        return InvalidRequestError(message, param="response_format")
    if output.stop_reason == INSTANCE_LOST:
        return InstanceLostError(message)
    return StepFailedError(message)
