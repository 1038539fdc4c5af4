"""The figures of a load test."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regard.common.statistics import percentiles
from regard.serving.bench.client import TimedAnswer

PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, kw_only=True)
class Latency:
    """A distribution of times, in seconds."""

    mean: float
    """The mean."""
    p50: float
    """The median."""
    p90: float
    """Nine of ten are shorter."""
    p99: float
    """99 of a hundred are shorter."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a load test found; only completed requests count towards speed and latency."""

    completed: int
    """Requests answered."""
    failed: int
    """Requests without a whole answer."""
    errors: Mapping[str, int]
    """How often each error came."""
    duration_seconds: float
    """From the first request to the end of the last answer."""
    input_tokens: int
    """Tokens of the prompts."""
    output_tokens: int
    """Tokens of the answers."""
    requests_per_second: float
    """Answers over the duration."""
    output_tokens_per_second: float
    """Output tokens over the duration."""
    total_tokens_per_second: float
    """Prompt and output tokens over the duration."""
    ttft_seconds: Latency | None
    """Time to the first token; None without an answer."""
    tpot_seconds: Latency | None
    """(end to end - first token) / (tokens - 1); None where no answer has two tokens."""
    e2e_seconds: Latency | None
    """Time to the end of the answer; None without an answer."""


def summarise(answers: Sequence[TimedAnswer], duration_seconds: float) -> Summary:
    """The figures of these answers.

    Args:
        answers: one for each request.
        duration_seconds: of the whole test, more than 0.
    """
    done = [answer for answer in answers if answer.error is None]
    input_tokens = sum(answer.prompt_tokens for answer in done)
    output_tokens = sum(answer.output_tokens for answer in done)
    tpots = [answer.tpot_seconds for answer in done]
    return Summary(
        completed=len(done),
        failed=len(answers) - len(done),
        errors=Counter(answer.error for answer in answers if answer.error is not None),
        duration_seconds=duration_seconds,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        requests_per_second=len(done) / duration_seconds,
        output_tokens_per_second=output_tokens / duration_seconds,
        total_tokens_per_second=(input_tokens + output_tokens) / duration_seconds,
        ttft_seconds=latency([answer.ttft_seconds for answer in done]),
        tpot_seconds=latency([tpot for tpot in tpots if tpot is not None]),
        e2e_seconds=latency([answer.e2e_seconds for answer in done]),
    )


def latency(seconds: Sequence[float]) -> Latency | None:
    """Mean and percentiles; None of nothing."""
    if not seconds:
        return None
    p50, p90, p99 = percentiles(seconds, PERCENTILES).values()
    return Latency(mean=float(np.mean(seconds)), p50=p50, p90=p90, p99=p99)
