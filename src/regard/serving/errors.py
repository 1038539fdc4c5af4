"""What can go wrong, by whose fault and with which HTTP status.

ServingError
 ├ InvalidRequestError        the caller's mistake (400)
 │   └ ContextLengthError     prompt and output do not fit
 ├ UnknownModelError          no such model or adapter (404)
 ├ QueueFullError             too many requests wait (429)
 ├ EngineStoppedError         the server is stopping (503)
 ├ InstanceLostError          an AFD instance is gone and nothing took its place (503)
 ├ StepFailedError            the model failed on this request's batch (500)
 └ WeightsError               a model file that cannot be used (exit 1)
"""

from collections.abc import Sequence
from pathlib import Path

from regard.common.errors import UserError


class ServingError(Exception):
    """Base of the engine's errors."""


class InvalidRequestError(ServingError, ValueError):
    """The request asks for something that cannot be."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class ContextLengthError(InvalidRequestError):
    """Prompt and output do not fit the context or the KV cache; the message has both numbers."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message, param=param, code="context_length_exceeded")


class UnknownModelError(ServingError):
    """The named model or adapter is not served."""

    def __init__(self, name: str, available: Sequence[str]) -> None:
        super().__init__(f"model {name!r} is not served here; served: {', '.join(available)}")
        self.name = name
        self.available = tuple(available)


class QueueFullError(ServingError):
    """The waiting queue is full."""

    def __init__(self, num_waiting: int, retry_after_seconds: int) -> None:
        super().__init__(f"{num_waiting} requests are waiting; try again later")
        self.num_waiting = num_waiting
        self.retry_after_seconds = retry_after_seconds


class EngineStoppedError(ServingError):
    """The engine takes no new work."""


class InstanceLostError(ServingError):
    """An attention or FFN instance is gone and nothing took its place in time."""


class StepFailedError(ServingError):
    """A step raised while this request was in its batch."""


class WeightsError(ServingError, UserError):
    """A model file is missing, corrupt, or not what it should be."""

    def __init__(self, path: Path | str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = Path(path)
        self.problem = problem
