"""A request on its way through the service."""

import asyncio
import logging
from dataclasses import dataclass

from regard.serving.errors import ServingError
from regard.serving.outputs import RequestOutput
from regard.serving.request import Request

logger = logging.getLogger(__name__)

Outputs = asyncio.Queue[RequestOutput | ServingError]


@dataclass(eq=False)
class Ticket:
    """A request under way, with what came of it so far."""

    request: Request
    """What was asked, and what has been put out: enough to go on elsewhere."""
    loop: asyncio.AbstractEventLoop
    """The caller's."""
    queue: Outputs
    """Where its outputs go."""
    place: str
    """Which attention instance has it."""

    def deliver(self, item: RequestOutput | ServingError) -> None:
        """Hand something to the caller, from any thread."""
        try:
            self.loop.call_soon_threadsafe(self.queue.put_nowait, item)
        except RuntimeError:
            logger.debug("the caller of %s has closed its event loop", self.request.request_id)
