"""A client of servers that speak OpenAI's API, streaming only."""

import ipaddress
import json
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Any

import httpx

from regard.common.errors import UserError

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 600.0
MAX_MESSAGE_LENGTH = 300


class ServerError(UserError):
    """The server cannot be reached, refuses, or breaks off; one line says which."""


class ApiClient:
    """Asks one server; use it as an async context manager."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepares a client; nothing is sent yet.

        Args:
            base_url: address of the server, with or without `/v1` at its end.
            api_key: sent as a bearer token.
            transport: takes the place of the network in tests.

        Raises:
            ServerError: the address or the key cannot be used.
        """
        self.base_url = _checked_url(base_url)
        if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
            raise ServerError("the API key has characters that no header can carry")
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={} if api_key is None else {"Authorization": f"Bearer {api_key}"},
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS, pool=None),
            # A server may close a connection that idled while a person was typing.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            # A proxy that the environment names cannot reach this machine's loopback.
            trust_env=not _is_loopback(httpx.URL(self.base_url).host),
            transport=transport,
        )

    async def __aenter__(self) -> "ApiClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def model_names(self) -> tuple[str, ...]:
        """What the server serves.

        Raises:
            ServerError: no server, no access, or no models.
        """
        try:
            response = await self._http.get("/models")
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.status_code != httpx.codes.OK:
            raise _refusal(response)
        try:
            names = tuple(str(card["id"]) for card in response.json()["data"])
        except (ValueError, KeyError, TypeError) as error:
            raise ServerError(f"{self.base_url}/models does not answer as OpenAI's does") from error
        if not names:
            raise ServerError(f"{self.base_url} serves no model")
        return names

    async def choose_model(self, wanted: str | None) -> str:
        """The wanted model if it is served; without one the first.

        Raises:
            ServerError: it is not served, or `model_names` fails.
        """
        names = await self.model_names()
        if wanted is not None and wanted not in names:
            raise ServerError(
                f"model {wanted!r} is not served at {self.base_url}; served: {', '.join(names)}"
            )
        return wanted or names[0]

    async def stream(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Posts a request and yields the events of its answer; closing it hangs up.

        Args:
            path: `/chat/completions` or `/completions`.
            body: the request; `stream` and the wish for usage are added.

        Raises:
            ServerError: the server refuses, fails or breaks off.
        """
        whole = {**body, "stream": True, "stream_options": {"include_usage": True}}
        try:
            async with self._http.stream("POST", path, json=whole) as response:
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    raise _refusal(response)
                async for data in _event_data(response):
                    if data == b"[DONE]":
                        return
                    yield _event(data)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        raise ServerError("the server broke the answer off")

    def _unreachable(self, error: httpx.HTTPError) -> ServerError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return ServerError(
                f"no server answers at {self.base_url} ({error or type(error).__name__}); "
                "start one with `regard serve`, or name another with --base-url"
            )
        problem = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return ServerError(f"the connection to {self.base_url} broke ({problem})")


async def _event_data(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The data of each server-sent event.

    Lines are split here because httpx also splits at U+2028 and its like, which JSON may hold.
    """
    rest = b""
    async for piece in response.aiter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[len(b"data:") :].strip()


def _event(data: bytes) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except ValueError as error:
        raise ServerError(f"the server sent what is no JSON: {_shorten(repr(data))}") from error
    if not isinstance(event, dict):
        raise ServerError(f"the server sent what is no JSON object: {_shorten(repr(data))}")
    if "error" in event:
        raise ServerError(f"the server failed: {_message(event)}")
    return event


def _refusal(response: httpx.Response) -> ServerError:
    try:
        message = _message(response.json())
    except ValueError:
        message = _shorten(response.text)
    status = f"{response.status_code} {response.reason_phrase}".strip()
    hint = "; give it with --api-key" if response.status_code == httpx.codes.UNAUTHORIZED else ""
    return ServerError(f"the server refused ({status}): {message}{hint}")


def _message(body: Any) -> str:
    error = body.get("error", body) if isinstance(body, Mapping) else body
    message = error.get("message", error) if isinstance(error, Mapping) else error
    return _shorten(str(message))


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE_LENGTH else line[:MAX_MESSAGE_LENGTH] + "..."


def _checked_url(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ServerError(f"--base-url {base_url!r} is no address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ServerError(
            f"--base-url {base_url!r} is no address; give one like http://127.0.0.1:8000"
        )
    stripped = base_url.rstrip("/")
    return stripped if stripped.endswith("/v1") else f"{stripped}/v1"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
