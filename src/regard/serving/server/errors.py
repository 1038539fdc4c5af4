"""Failures as HTTP statuses and as OpenAI's error object."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi.responses import JSONResponse

from regard.serving.errors import (
    EngineStoppedError,
    InstanceLostError,
    InvalidRequestError,
    QueueFullError,
    ServingError,
    UnknownModelError,
)

MAX_VALUE_LENGTH = 120
MAX_MESSAGE_LENGTH = 200

INVALID_REQUEST = "invalid_request_error"
SERVER_ERROR = "server_error"
RATE_LIMIT = "rate_limit_error"
UNAVAILABLE = "service_unavailable"


class ClientGoneError(Exception):
    """The client closed its connection before the answer was ready."""


class ApiError(ServingError):
    """A failure that the server itself finds, with its status."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = INVALID_REQUEST,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = dict(headers or {})


class Failure(NamedTuple):
    """A failure as it goes over the wire."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


def failure_of(error: Exception) -> Failure:
    """The status, body and headers that tell a client about an error."""
    match error:
        case ApiError():
            body = _body(error.message, error.kind, error.param, error.code)
            return Failure(error.status, body, error.headers)
        case InvalidRequestError():
            return Failure(400, _body(str(error), INVALID_REQUEST, error.param, error.code), {})
        case UnknownModelError():
            return Failure(404, _body(str(error), INVALID_REQUEST, "model", "model_not_found"), {})
        case QueueFullError():
            headers = {"Retry-After": str(error.retry_after_seconds)}
            return Failure(429, _body(str(error), RATE_LIMIT, None, "queue_full"), headers)
        case EngineStoppedError():
            return Failure(503, _body(str(error), UNAVAILABLE, None, "server_stopping"), {})
        case InstanceLostError():
            return Failure(503, _body(str(error), UNAVAILABLE, None, "instance_lost"), {})
        case ServingError():
            # The whole of an exception's text, traces of libraries included, is in the log.
            message = str(error).partition("\n")[0][:MAX_MESSAGE_LENGTH]
            return Failure(500, _body(message, SERVER_ERROR, None, "step_failed"), {})
    return Failure(500, _body("internal error; the log has it", SERVER_ERROR, None, None), {})


def error_response(error: Exception) -> JSONResponse:
    """The answer to a request that failed before its first token."""
    failure = failure_of(error)
    return JSONResponse(failure.body, status_code=failure.status, headers=failure.headers)


def shorten(value: object) -> str:
    """A value for an error message, never longer than a line."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print integers of more than 4,300 digits.
        return "a very large number"
    return text if len(text) <= MAX_VALUE_LENGTH else text[:MAX_VALUE_LENGTH] + "..."


def _body(message: str, kind: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
