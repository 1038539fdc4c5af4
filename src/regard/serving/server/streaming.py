"""Server-sent events."""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from regard.serving.errors import ServingError
from regard.serving.server.errors import failure_of
from regard.serving.server.generation import Generation
from regard.serving.server.metrics import ServerMetrics

DONE = b"data: [DONE]\n\n"

logger = logging.getLogger(__name__)


class EventStream(StreamingResponse):
    """A streamed answer that aborts its generation however it ends."""

    def __init__(
        self,
        chunks: AsyncGenerator[BaseModel, None],
        generation: Generation,
        metrics: ServerMetrics,
    ) -> None:
        self._generation = generation
        self._events = _events(chunks, metrics)
        super().__init__(
            self._events,
            media_type="text/event-stream",
            # Proxies that buffer would hold the tokens back.
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; a client that leaves ends the generation."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A response cancelled before its first event has generators that never began,
            # and theirs alone would not close the engine's.
            await self._events.aclose()
            await self._generation.aclose()


async def _events(
    chunks: AsyncGenerator[BaseModel, None], metrics: ServerMetrics
) -> AsyncGenerator[bytes, None]:
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                yield b"data: " + chunk.model_dump_json(exclude_unset=True).encode() + b"\n\n"
        except Exception as error:
            if not isinstance(error, ServingError):
                logger.exception("a stream broke off")
            failure = failure_of(error)
            metrics.request_failure.labels(str(failure.status)).inc()
            yield b"data: " + json.dumps(failure.body).encode() + b"\n\n"
    yield DONE
