"""Reads a request's body within the size limit and validates it."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json
from starlette.requests import ClientDisconnect

from regard.serving.server.errors import ApiError, ClientGoneError, shorten

BYTES_PER_MIB = 2**20
# A client that sends first and reads later sees the refusal only if its bytes are taken.
DRAIN_FACTOR = 4

Model = TypeVar("Model", bound=BaseModel)


async def read_model(request: Request, model: type[Model], max_bytes: int) -> Model:
    """The body as a validated model.

    Raises:
        ApiError: 413 for a body over the limit, 400 for anything but JSON of the right shape.
        ClientGoneError: the client left while sending.
    """
    body = await _read_body(request, max_bytes)
    try:
        value = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise ApiError(400, f"the body is not valid JSON: {error}", code="invalid_json") from error
    if not isinstance(value, dict):
        raise ApiError(400, f"the body must be a JSON object, not {shorten(value)}")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _refusal(error) from error


async def _read_body(request: Request, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    num_bytes = 0
    try:
        async for chunk in request.stream():
            num_bytes += len(chunk)
            if num_bytes > max_bytes * DRAIN_FACTOR:
                break
            if num_bytes <= max_bytes:
                chunks.append(chunk)
    except ClientDisconnect as error:
        raise ClientGoneError from error
    if num_bytes > max_bytes:
        raise ApiError(
            413,
            f"the body is over {max_bytes / BYTES_PER_MIB:g} MiB, the limit of this server "
            "(--max-body-mib)",
            code="request_too_large",
            headers={"Connection": "close"},
        )
    return b"".join(chunks)


def _refusal(error: ValidationError) -> ApiError:
    # The first error with the longest path is the most telling branch of a union.
    details = max(error.errors(include_url=False), key=lambda found: len(found["loc"]))
    unknown = [found for found in error.errors() if found["type"] == "extra_forbidden"]
    if unknown:
        details = unknown[0]
    param = _param(details)
    if details["type"] == "extra_forbidden":
        return ApiError(400, f"unknown field {param!r}", param=param, code="unknown_field")
    if details["type"] == "missing":
        return ApiError(400, f"{param!r} is required", param=param, code="missing_field")
    return ApiError(400, f"{param!r} is {shorten(details['input'])}: {details['msg']}", param=param)


def _param(details: ErrorDetails) -> str:
    return ".".join(str(part) for part in details["loc"])
