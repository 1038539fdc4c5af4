"""What the offline benchmark finds."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OfflineResult:
    """The speed at one concurrency; the medians of the runs unless said otherwise."""

    concurrency: int
    """Prompts given at once."""
    input_tokens: int
    """Prompt tokens of one run, all prompts together."""
    output_tokens: int
    """Output tokens of one run, all answers together."""
    output_tokens_per_second: float
    """Output tokens over the whole time of a run, its prompts included."""
    lowest_output_tokens_per_second: float
    """Of the slowest run."""
    highest_output_tokens_per_second: float
    """Of the fastest run."""
    total_tokens_per_second: float
    """Prompt and output tokens over the whole time of a run."""
    run_seconds: tuple[float, ...]
    """How long each run took."""


def offline_result(
    concurrency: int, input_tokens: int, output_tokens: int, run_seconds: tuple[float, ...]
) -> OfflineResult:
    """The figures of runs that took so long."""
    ordered = sorted(run_seconds)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return OfflineResult(
        concurrency=concurrency,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        output_tokens_per_second=output_tokens / median,
        lowest_output_tokens_per_second=output_tokens / ordered[-1],
        highest_output_tokens_per_second=output_tokens / ordered[0],
        total_tokens_per_second=(input_tokens + output_tokens) / median,
        run_seconds=run_seconds,
    )
