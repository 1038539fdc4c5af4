import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
import uvicorn

from regard.serving.server.app import create_app
from regard.serving.server.config import ServerConfig
from tests.serving.server.fake_engine import FakeEngine

START_SECONDS = 10.0


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(engine, ServerConfig()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as opened:
        yield opened


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Starts a real server on a loopback port for an engine and gives its address."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(engine: FakeEngine, config: ServerConfig | None = None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        app = create_app(engine, config or ServerConfig())
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        running.append((server, thread))
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(timeout=START_SECONDS)
        assert not thread.is_alive()
