"""The HTTP application over an engine."""

import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from regard import __version__
from regard.serving.errors import ServingError, UnknownModelError
from regard.serving.server.authorisation import Authorisation
from regard.serving.server.body import read_model
from regard.serving.server.chat import ChatAnswer
from regard.serving.server.chat_protocol import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionRequest,
)
from regard.serving.server.completion_protocol import Completion, CompletionRequest
from regard.serving.server.completions import CompletionAnswer
from regard.serving.server.config import ServerConfig
from regard.serving.server.context import ServerContext
from regard.serving.server.contract import ServingEngine
from regard.serving.server.errors import ApiError, ClientGoneError, error_response
from regard.serving.server.metrics import CONTENT_TYPE, ServerMetrics
from regard.serving.server.openapi import error_answers, generating_endpoint, openapi_document
from regard.serving.server.protocol import Health, ModelCard, ModelList

CLIENT_CLOSED_REQUEST = 499

logger = logging.getLogger(__name__)


def create_app(engine: ServingEngine, config: ServerConfig) -> FastAPI:
    """The application; the caller starts and stops the engine.

    Args:
        engine: generates.
        config: the HTTP side's options.

    Returns:
        An ASGI application for one event loop, the engine's.
    """
    context = ServerContext(engine, config, ServerMetrics(engine))
    app = FastAPI(title="Regard serving", version=__version__, redoc_url=None)
    _add_service_routes(app, context)
    _add_model_routes(app, context)
    _add_generating_routes(app, context)
    _add_error_handlers(app, context)
    app.openapi = _document_of(app, context)  # type: ignore[method-assign]  # FastAPI's own way
    if config.api_key is not None:
        app.add_middleware(Authorisation, api_key=config.api_key)
    return app


def _add_service_routes(app: FastAPI, context: ServerContext) -> None:
    @app.get("/health", responses={503: {"model": Health}}, tags=["service"])
    async def health(response: Response) -> Health:
        """Whether work is taken: 200, or 503 while stopping or after a failure."""
        state = _health(context.engine)
        response.status_code = 200 if state.status == "ok" else 503
        return state

    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        tags=["service"],
    )
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(context.metrics.page(), headers={"Content-Type": CONTENT_TYPE})


def _add_model_routes(app: FastAPI, context: ServerContext) -> None:
    @app.get("/v1/models", responses=error_answers(401), tags=["models"])
    async def models() -> ModelList:
        """The served model and its adapters."""
        return ModelList(data=[_card(context, name) for name in context.engine.model_names])

    @app.get("/v1/models/{model_id:path}", responses=error_answers(401, 404), tags=["models"])
    async def model(model_id: str) -> ModelCard:
        """One of them."""
        if model_id not in context.engine.model_names:
            raise UnknownModelError(model_id[:100], context.engine.model_names)
        return _card(context, model_id)


def _add_generating_routes(app: FastAPI, context: ServerContext) -> None:
    errors = error_answers(400, 401, 404, 413, 429, 500, 503)

    @app.post(
        "/v1/chat/completions",
        responses=errors,
        response_class=Response,
        openapi_extra=generating_endpoint(
            ChatCompletionRequest, ChatCompletion, ChatCompletionChunk
        ),
        tags=["generation"],
    )
    async def chat_completions(request: Request) -> Response:
        """Answer a conversation."""
        body = await read_model(request, ChatCompletionRequest, context.config.max_body_bytes)
        answer = ChatAnswer(context, body, context.admit(body.model, "chatcmpl"))
        return await answer.respond(request)

    @app.post(
        "/v1/completions",
        responses=errors,
        response_class=Response,
        openapi_extra=generating_endpoint(CompletionRequest, Completion, Completion),
        tags=["generation"],
    )
    async def completions(request: Request) -> Response:
        """Continue prompts."""
        body = await read_model(request, CompletionRequest, context.config.max_body_bytes)
        answer = CompletionAnswer(context, body, context.admit(body.model, "cmpl"))
        return await answer.respond(request)


def _add_error_handlers(app: FastAPI, context: ServerContext) -> None:
    def answer(error: Exception) -> JSONResponse:
        response = error_response(error)
        context.metrics.request_failure.labels(str(response.status_code)).inc()
        return response

    @app.exception_handler(ServingError)
    async def refuse(request: Request, error: ServingError) -> Response:
        return answer(error)

    @app.exception_handler(ClientGoneError)
    async def forget(request: Request, error: ClientGoneError) -> Response:
        return Response(status_code=CLIENT_CLOSED_REQUEST)

    @app.exception_handler(HTTPException)
    async def explain(request: Request, error: HTTPException) -> Response:
        message = f"{request.method} {request.url.path}: {error.detail}"
        return answer(ApiError(error.status_code, message[:200], headers=error.headers))

    @app.exception_handler(Exception)
    async def apologise(request: Request, error: Exception) -> Response:
        # Starlette raises the error again after this answer, and uvicorn logs its trace.
        return answer(error)


def _health(engine: ServingEngine) -> Health:
    if engine.is_stopping:
        return Health(status="stopping")
    return Health(status="ok" if engine.is_healthy else "failed")


def _card(context: ServerContext, name: str) -> ModelCard:
    base = context.engine.model_names[0]
    return ModelCard(
        id=name,
        created=context.started,
        root=base,
        parent=None if name == base else base,
        max_model_len=context.engine.max_model_len,
    )


def _document_of(app: FastAPI, context: ServerContext) -> Any:
    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi_document(
                app, context.engine, needs_key=context.config.api_key is not None
            )
        return app.openapi_schema

    return document
