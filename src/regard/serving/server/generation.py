"""Runs the engine for one API request and stops it when the client leaves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing, suppress
from typing import Any, NamedTuple, TypeVar, cast

from fastapi import Request

from regard.serving.errors import EngineStoppedError, StepFailedError
from regard.serving.outputs import GenerationRequest, RequestOutput
from regard.serving.server.contract import ServingEngine
from regard.serving.server.errors import ClientGoneError
from regard.serving.server.metrics import RequestTimer

T = TypeVar("T")


class Gain(NamedTuple):
    """What one sequence of one prompt gained."""

    prompt_index: int
    """Which prompt of the request."""
    output: RequestOutput
    """The gain."""


class Generation:
    """The sequences of one API request, opened at their first output."""

    def __init__(
        self, engine: ServingEngine, requests: Sequence[GenerationRequest], timer: RequestTimer
    ) -> None:
        self._gains = _merge([_outputs(engine, request) for request in requests])
        self._timer = timer
        self._first: Gain | None = None

    async def open(self, client: Request) -> None:
        """Wait for the first output, so that refusals come before the answer's status.

        Raises:
            ServingError: the engine refuses a request or fails on it.
            ClientGoneError: the client left first.
        """
        try:
            self._first = await while_connected(client, self._next())
        except BaseException:
            await self.aclose()
            raise

    async def collect(self, client: Request) -> list[Gain]:
        """All gains, from the first to the last.

        Raises:
            ServingError: the engine refuses a request or fails on it.
            ClientGoneError: the client left first.
        """
        try:
            return await while_connected(client, self._all())
        finally:
            await self.aclose()

    async def __aiter__(self) -> AsyncIterator[Gain]:
        """Every gain, in the order of making."""
        if self._first is not None:
            yield self._seen(self._first)
        async for gain in self._gains:
            yield self._seen(gain)

    async def aclose(self) -> None:
        """Abort what still runs; closing twice does nothing."""
        await self._gains.aclose()

    async def _next(self) -> Gain | None:
        return await anext(self._gains, None)

    async def _all(self) -> list[Gain]:
        return [gain async for gain in self]

    def _seen(self, gain: Gain) -> Gain:
        self._timer.record(gain.prompt_index, gain.output)
        return gain


async def while_connected(client: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work, which is cancelled when the client leaves.

    Raises:
        ClientGoneError: the client left first.
    """
    task = asyncio.create_task(work)
    watcher = asyncio.create_task(_disconnect(client))
    try:
        await asyncio.wait((task, watcher), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return task.result()
    finally:
        for each in (task, watcher):
            await _cancel(each)


async def _disconnect(client: Request) -> None:
    while (await client.receive())["type"] != "http.disconnect":
        pass


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    # The task's own failure was taken from its result, or came too late to matter.
    with suppress(asyncio.CancelledError, Exception):
        await task


async def _outputs(
    engine: ServingEngine, request: GenerationRequest
) -> AsyncGenerator[RequestOutput, None]:
    outputs = cast("AsyncGenerator[RequestOutput, None]", engine.generate(request))
    async with aclosing(outputs):
        async for output in outputs:
            if output.finish_reason == "error":
                raise StepFailedError(output.error or "the step failed")
            if output.finish_reason == "abort":
                raise EngineStoppedError("the server stopped before the answer was complete")
            yield output


async def _merge(
    sources: Sequence[AsyncGenerator[RequestOutput, None]],
) -> AsyncGenerator[Gain, None]:
    if len(sources) == 1:
        async with aclosing(sources[0]):
            async for output in sources[0]:
                yield Gain(0, output)
        return
    queue: asyncio.Queue[Gain | Exception | None] = asyncio.Queue()
    pumps = [
        asyncio.create_task(_pump(index, source, queue)) for index, source in enumerate(sources)
    ]
    try:
        remaining = len(pumps)
        while remaining:
            item = await queue.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                remaining -= 1
            else:
                yield item
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(
    index: int,
    source: AsyncGenerator[RequestOutput, None],
    queue: asyncio.Queue[Gain | Exception | None],
) -> None:
    try:
        async with aclosing(source):
            async for output in source:
                queue.put_nowait(Gain(index, output))
    except Exception as error:
        queue.put_nowait(error)
    else:
        queue.put_nowait(None)
