import pytest

from regard.serving.errors import (
    ContextLengthError,
    EngineStoppedError,
    InstanceLostError,
    InvalidRequestError,
    QueueFullError,
    StepFailedError,
    UnknownModelError,
)
from regard.serving.server.errors import ApiError, failure_of, shorten

FAILURES = {
    "invalid": (InvalidRequestError("x", param="p"), 400, "invalid_request_error", None),
    "context": (ContextLengthError("x"), 400, "invalid_request_error", "context_length_exceeded"),
    "model": (UnknownModelError("a", ["b"]), 404, "invalid_request_error", "model_not_found"),
    "queue": (QueueFullError(9, 2), 429, "rate_limit_error", "queue_full"),
    "stopped": (EngineStoppedError("x"), 503, "service_unavailable", "server_stopping"),
    "lost": (InstanceLostError("x"), 503, "service_unavailable", "instance_lost"),
    "step": (StepFailedError("x"), 500, "server_error", "step_failed"),
    "unforeseen": (RuntimeError("x"), 500, "server_error", None),
    "own": (ApiError(413, "x", code="c"), 413, "invalid_request_error", "c"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_has_its_status_and_openais_fields(name: str):
    error, status, kind, code = FAILURES[name]
    failure = failure_of(error)
    assert failure.status == status
    assert set(failure.body["error"]) == {"message", "type", "param", "code"}
    assert (failure.body["error"]["type"], failure.body["error"]["code"]) == (kind, code)


def test_a_full_queue_says_when_to_come_back():
    assert failure_of(QueueFullError(9, 2)).headers == {"Retry-After": "2"}


@pytest.mark.parametrize("value", ["x" * 1000, 10**5000, [1] * 1000], ids=["text", "int", "list"])
def test_values_in_messages_are_short(value: object):
    assert len(shorten(value)) < 130


def test_a_failed_step_tells_its_first_line_only():
    message = failure_of(StepFailedError("first\n" + "state " * 1000)).body["error"]["message"]
    assert message == "first"
