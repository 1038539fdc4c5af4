"""The OpenAPI document: bodies and answers exactly as the server takes and gives them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from regard import __version__
from regard.serving.server.chat_protocol import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionRequest,
)
from regard.serving.server.completion_protocol import Completion, CompletionRequest
from regard.serving.server.contract import ServingEngine
from regard.serving.server.protocol import ErrorResponse

SCHEMA_PATH = "#/components/schemas/"
REQUESTS: tuple[type[BaseModel], ...] = (ChatCompletionRequest, CompletionRequest)
ANSWERS: tuple[type[BaseModel], ...] = (ChatCompletion, ChatCompletionChunk, Completion)
LENGTHS = {"max_tokens", "max_completion_tokens", "min_tokens"}

ERRORS = {
    400: "The request cannot be served as it is; `param` names the field.",
    401: "The API key is missing or wrong.",
    404: "No such model.",
    413: "The body is over the limit.",
    429: "Too many requests wait; `Retry-After` says when to come back.",
    500: "The model failed on this request's batch.",
    503: "The server is stopping, or the engine has failed.",
}


def error_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of an endpoint, as FastAPI takes them."""
    return {status: {"model": ErrorResponse, "description": ERRORS[status]} for status in statuses}


def generating_endpoint(
    request: type[BaseModel], answer: type[BaseModel], chunk: type[BaseModel]
) -> dict[str, Any]:
    """Request body and success of an endpoint whose body the server reads itself."""
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _reference(request)}},
        },
        "responses": {
            "200": {
                "description": "The answer, or its server-sent events with `stream`.",
                "content": {
                    "application/json": {"schema": _reference(answer)},
                    "text/event-stream": {"schema": _event(chunk)},
                },
            }
        },
    }


def openapi_document(app: FastAPI, engine: ServingEngine, *, needs_key: bool) -> dict[str, Any]:
    """The whole document.

    Args:
        app: has the routes.
        engine: its models, context and vocabulary bound what can be asked for.
        needs_key: whether paths under /v1 ask for a bearer token.
    """
    document = get_openapi(
        title="Regard serving",
        version=__version__,
        description="An OpenAI-compatible server of one language model and its adapters.",
        routes=app.routes,
    )
    schemas = document["components"]["schemas"]
    schemas.update(_schemas())
    for request in REQUESTS:
        _bound(schemas[request.__name__]["properties"], engine)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    if needs_key:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            # FastAPI promises 422 wherever there is a parameter; this server never sends it.
            operation["responses"].pop("422", None)
            if needs_key and path.startswith("/v1/"):
                operation["security"] = [{"key": []}]
    return document


def _bound(properties: dict[str, Any], engine: ServingEngine) -> None:
    """Write an engine's limits into the properties of a request."""
    _value_schema(properties["model"])["enum"] = list(engine.model_names)
    for name in LENGTHS & properties.keys():
        _value_schema(properties[name])["maximum"] = engine.max_model_len - 1
    token_ids = _value_schema(properties["stop_token_ids"])
    token_ids["items"]["maximum"] = engine.tokenizer.vocab_size - 1
    _value_schema(properties["logit_bias"])["propertyNames"] = {"pattern": "^[0-9]{1,9}$"}


def _value_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The branch of a nullable schema that is not null."""
    return next(branch for branch in schema["anyOf"] if branch != {"type": "null"})


def _event(chunk: type[BaseModel]) -> dict[str, Any]:
    """One server-sent event; before OpenAPI 3.2 a stream's schema describes each of them."""
    chunk_or_error = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"anyOf": [_reference(chunk), _reference(ErrorResponse)]},
    }
    data = {"anyOf": [{"const": "[DONE]"}, chunk_or_error]}
    return {"type": "object", "properties": {"data": data}, "required": ["data"]}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": SCHEMA_PATH + model.__name__}


def _schemas() -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    for models, mode in ((REQUESTS, "validation"), (ANSWERS, "serialization")):
        _, found = models_json_schema(
            [(model, mode) for model in models],  # type: ignore[misc]  # a literal in a loop
            ref_template=SCHEMA_PATH + "{model}",
        )
        definitions |= found["$defs"]
    return definitions
