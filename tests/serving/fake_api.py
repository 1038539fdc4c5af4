"""A small server that speaks as much of OpenAI's API as a client needs, on loopback."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

START_SECONDS = 10.0


class FakeApi:
    """An ASGI app that streams `texts`; its attributes say how it misbehaves."""

    def __init__(self, texts=("one ", "two ", "three"), gap_seconds=0.0) -> None:
        self.texts = texts
        self.gap_seconds = gap_seconds
        self.models = ["fake", "other"]
        self.status = 200
        self.refused_numbers: set[int] = set()
        self.error_after: int | None = None
        self.breaks_off = False
        self.sends_usage = True
        self.bodies: list[dict] = []
        self.headers: list[dict] = []
        self.num_running = self.most_running = 0

    async def __call__(self, scope, receive, send) -> None:
        data = b""
        while (message := await receive()).get("more_body"):
            data += message["body"]
        data += message["body"]
        self.headers.append({k.decode(): v.decode() for k, v in scope["headers"]})
        if scope["path"] == "/v1/models" and self.status == 200:
            cards = {"data": [{"id": name} for name in self.models]}
            await self._whole(send, 200, cards)
            return
        number = len(self.bodies)
        if data:
            self.bodies.append(json.loads(data))
        if self.status != 200 or number in self.refused_numbers:
            status = 429 if self.status == 200 else self.status
            await self._whole(send, status, {"error": {"message": "no,\nnot now"}})
            return
        self.num_running += 1
        self.most_running = max(self.most_running, self.num_running)
        await self._stream(send, is_chat="messages" in self.bodies[number])
        self.num_running -= 1

    async def _whole(self, send, status, body) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    async def _stream(self, send, is_chat) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if is_chat:
            await self._event(send, {"choices": [{"delta": {"role": "assistant"}}]})
        for number, text in enumerate(self.texts):
            await asyncio.sleep(self.gap_seconds)
            if number == self.error_after:
                await self._event(send, {"error": {"message": "the step failed"}})
            choice = {"delta": {"content": text}} if is_chat else {"text": text}
            await self._event(send, {"choices": [choice]})
        if self.sends_usage:
            usage = {"prompt_tokens": 7, "completion_tokens": len(self.texts)}
            await self._event(send, {"choices": [], "usage": usage})
        end = b"" if self.breaks_off else b"data: [DONE]\n\n"
        await send({"type": "http.response.body", "body": end})

    async def _event(self, send, event) -> None:
        data = f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
        # Cut in the middle, as a network may.
        for part in (data[:9], data[9:]):
            await send({"type": "http.response.body", "body": part, "more_body": True})


@contextmanager
def served(app) -> Iterator[str]:
    """The address of an app that runs in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=START_SECONDS)
        listener.close()


def free_address() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
