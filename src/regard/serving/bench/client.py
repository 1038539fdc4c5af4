"""Times one streamed answer."""

import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from regard.serving.api_client import ApiClient, ServerError

NO_USAGE = "the server sends no usage in its streams, so that tokens cannot be counted"


@dataclass(frozen=True, kw_only=True)
class TimedAnswer:
    """What one request took."""

    prompt_tokens: int = 0
    """Tokens of the prompt, as the server counts them."""
    output_tokens: int = 0
    """Tokens of the answer, as the server counts them."""
    ttft_seconds: float = 0.0
    """From sending the request to the first piece of the answer."""
    e2e_seconds: float = 0.0
    """From sending the request to the last piece of the answer."""
    error: str | None = None
    """Why there is no answer; all else is then meaningless."""

    @property
    def tpot_seconds(self) -> float | None:
        """Time an output token after the first; None where there is no second one."""
        if self.output_tokens < 2:
            return None
        return (self.e2e_seconds - self.ttft_seconds) / (self.output_tokens - 1)


async def timed_answer(client: ApiClient, path: str, body: Mapping[str, Any]) -> TimedAnswer:
    """Sends a request and times its answer; a failure is an answer with `error`."""
    started = time.perf_counter()
    first = last = None
    usage: Mapping[str, int] = {}
    try:
        async with aclosing(client.stream(path, body)) as events:
            async for event in events:
                if any(map(_is_gain, event.get("choices") or ())):
                    last = time.perf_counter()
                    first = first or last
                usage = event.get("usage") or usage
    except ServerError as error:
        return TimedAnswer(error=str(error))
    if first is None or last is None:
        return TimedAnswer(error="the answer is empty")
    if "completion_tokens" not in usage:
        return TimedAnswer(error=NO_USAGE)
    return TimedAnswer(
        prompt_tokens=usage.get("prompt_tokens", 0),
        output_tokens=usage["completion_tokens"],
        ttft_seconds=first - started,
        e2e_seconds=last - started,
    )


def _is_gain(choice: Mapping[str, Any]) -> bool:
    """Whether a choice brings text or the end; a chat's first event only names the role."""
    delta = choice.get("delta") or {}
    texts = (choice.get("text"), delta.get("content"), delta.get("reasoning_content"))
    return any(texts) or bool(delta.get("tool_calls")) or choice.get("finish_reason") is not None
