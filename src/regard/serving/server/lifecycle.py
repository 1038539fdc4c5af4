"""Runs the server from its first connection to the last answer after SIGTERM."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn

from regard.common.errors import UserError
from regard.serving.server.app import create_app
from regard.serving.server.config import ServerConfig
from regard.serving.server.contract import ServingEngine

# After the grace time nothing generates any more; what is left are clients that do not read.
CLOSING_SECONDS = 2
MAX_PORT = 65_535

logger = logging.getLogger(__name__)


class ListenError(UserError):
    """The address cannot be listened on."""


class GracefulServer(uvicorn.Server):
    """On SIGTERM or Ctrl-C answers what runs, refuses new work with 503, then ends.

    uvicorn itself would close its sockets first, and new clients would find nobody there.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        engine: ServingEngine,
        *,
        grace_seconds: float,
        on_ready: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._engine = engine
        self._grace_seconds = grace_seconds
        self._on_ready = on_ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; the second signal does not wait."""
        if self._loop is None or self._draining is not None:
            self.force_exit = self.should_exit = True
        else:
            self._loop.call_soon_threadsafe(self._begin_to_drain)

    def _begin_to_drain(self) -> None:
        if self._draining is None:
            self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        running = self._engine.stats().num_running
        logger.warning("stopping: %d requests may finish within %g s", running, self._grace_seconds)
        try:
            await self._engine.stop(self._grace_seconds)
        finally:
            self.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """A socket on an address, taken before the model loads.

    Raises:
        ListenError: the address is in use or not this machine's.
    """
    if not 0 <= port <= MAX_PORT:
        raise ListenError(f"port {port} is not from 0 to {MAX_PORT}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        raise ListenError(
            f"cannot listen on {host} port {port}: {error}; choose another with --host, --port"
        ) from error
    return listener


def run_server(
    engine: ServingEngine,
    config: ServerConfig,
    listener: socket.socket,
    *,
    grace_seconds: float,
    log_level: str,
    on_ready: Callable[[], None],
) -> int:
    """Serve until a signal comes and everything is answered.

    Args:
        engine: not yet started; it is stopped at the end.
        config: the HTTP side's options.
        listener: a bound socket.
        grace_seconds: time for running requests after the signal.
        log_level: of the HTTP server.
        on_ready: called once the port answers.

    Returns:
        The exit status.
    """
    settings = uvicorn.Config(
        create_app(engine, config),
        lifespan="off",
        log_level=log_level,
        timeout_graceful_shutdown=CLOSING_SECONDS,
        server_header=False,
    )
    server = GracefulServer(settings, engine, grace_seconds=grace_seconds, on_ready=on_ready)
    return asyncio.run(_serve(server, engine, listener))


async def _serve(server: GracefulServer, engine: ServingEngine, listener: socket.socket) -> int:
    await engine.start()
    try:
        await server.serve([listener])
    finally:
        if not engine.is_stopping:
            await engine.stop(0)
    sys.stdout.flush()
    return 0
