"""What every endpoint works with."""

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from regard.serving.errors import ContextLengthError, EngineStoppedError, UnknownModelError
from regard.serving.server.config import ServerConfig
from regard.serving.server.contract import ServingEngine
from regard.serving.server.generation import Gain
from regard.serving.server.metrics import RequestTimer, ServerMetrics
from regard.serving.server.protocol import PromptTokensDetails, Usage


@dataclass(frozen=True)
class ServerContext:
    """The engine and what stands around it."""

    engine: ServingEngine
    config: ServerConfig
    metrics: ServerMetrics
    started: int = field(default_factory=lambda: int(time.time()))
    """Unix time, shown as the models' creation."""

    def admit(self, model: str | None, kind: str) -> "Admission":
        """Begin an API request.

        Raises:
            UnknownModelError: no such model or adapter.
            EngineStoppedError: the server is stopping.
        """
        names = self.engine.model_names
        if model is not None and model not in names:
            raise UnknownModelError(model[:100], names)
        if self.engine.is_stopping:
            raise EngineStoppedError("the server is stopping and takes no new work")
        name = model or names[0]
        return Admission(f"{kind}-{uuid.uuid4().hex}", name, RequestTimer(self.metrics, name))

    def check_length(self, num_prompt_tokens: int, max_tokens: int | None) -> None:
        """Refuse what does not fit the context, before anything reaches the engine.

        Raises:
            ContextLengthError: says the numbers.
        """
        limit = self.engine.max_model_len
        room = limit - num_prompt_tokens
        if room < 1:
            raise ContextLengthError(
                f"the prompt has {num_prompt_tokens} tokens and the context holds {limit}, "
                "of which at least one must be left for the answer",
                param="prompt",
            )
        if max_tokens is not None and max_tokens > room:
            raise ContextLengthError(
                f"max_tokens is {max_tokens}, the prompt has {num_prompt_tokens} tokens and the "
                f"context holds {limit}: ask for at most {room}",
                param="max_tokens",
            )


@dataclass(frozen=True)
class Admission:
    """One API request that has been let in."""

    id: str
    """Its id in the answer."""
    model: str
    """The model or adapter that answers."""
    timer: RequestTimer
    """Times its sequences."""
    created: int = field(default_factory=lambda: int(time.time()))
    """Unix time."""


class UsageCounter:
    """Counts the tokens of one API request."""

    def __init__(self) -> None:
        self._prompt_tokens: dict[int, int] = {}
        self._cached_tokens: dict[int, int] = {}
        self._output_tokens: dict[tuple[int, int], int] = {}

    def record(self, gain: Gain) -> None:
        """Take note of one gain."""
        index, output = gain
        self._prompt_tokens[index] = output.num_prompt_tokens
        self._cached_tokens[index] = max(
            self._cached_tokens.get(index, 0), output.num_cached_tokens
        )
        self._output_tokens[index, output.index] = output.num_output_tokens

    def usage(self) -> Usage:
        """The sums; a prompt counts once, however many answers it gets."""
        prompt_tokens = sum(self._prompt_tokens.values())
        completion_tokens = sum(self._output_tokens.values())
        return Usage(
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            total_tokens=prompt_tokens + completion_tokens,
            prompt_tokens_details=PromptTokensDetails(
                cached_tokens=sum(self._cached_tokens.values())
            ),
        )


def count_usage(gains: Iterable[Gain]) -> Usage:
    """The tokens of a whole answer."""
    counter = UsageCounter()
    for gain in gains:
        counter.record(gain)
    return counter.usage()
