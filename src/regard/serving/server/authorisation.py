"""Lets in only clients that know the key."""

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from regard.serving.server.errors import ApiError, error_response

PROTECTED_PREFIX = "/v1/"


class Authorisation:
    """Asks for a bearer token on every path under /v1."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._expected = f"Bearer {api_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or not scope["path"].startswith(PROTECTED_PREFIX):
            await self._app(scope, receive, send)
            return
        # Headers are bytes of latin-1; encoding back gives what was sent.
        sent = Headers(scope=scope).get("authorization", "").encode("latin-1")
        scheme, _, token = sent.partition(b" ")
        sent = scheme.title() + b" " + token.strip()
        if hmac.compare_digest(sent, self._expected):
            await self._app(scope, receive, send)
            return
        refusal = ApiError(
            401,
            "the API key is missing or wrong; send it as 'Authorization: Bearer KEY'",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )
        await error_response(refusal)(scope, receive, send)
