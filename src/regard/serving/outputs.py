"""What the engine hands back, and the request it takes."""

from dataclasses import dataclass
from typing import Literal

from regard.serving.prompt_image import PromptImage
from regard.serving.sampling_params import SamplingParams

FinishReason = Literal["stop", "length", "abort", "error"]


@dataclass(frozen=True)
class TokenLogprobs:
    """Log-probabilities at one output position."""

    token_id: int
    """The chosen token."""
    logprob: float
    """Its log-probability (natural, before temperature)."""
    top: tuple[tuple[int, float], ...] = ()
    """The likeliest tokens with theirs, likeliest first."""


@dataclass(frozen=True)
class RequestOutput:
    """What one sequence gained in one step."""

    request_id: str
    """Of the sequence."""
    index: int
    """Which of the n sequences of its prompt."""
    text: str
    """New text; may be empty while a character or a possible stop string is incomplete."""
    token_ids: tuple[int, ...]
    """New tokens."""
    logprobs: tuple[TokenLogprobs, ...] | None
    """One entry a new token, where asked for."""
    finish_reason: FinishReason | None
    """Set on the last output."""
    stop_reason: str | int | None
    """The stop string or token that ended it."""
    num_prompt_tokens: int
    """Length of the prompt."""
    num_cached_tokens: int
    """Prompt tokens found in the prefix cache."""
    num_output_tokens: int
    """Tokens made so far."""
    error: str | None = None
    """What went wrong, with finish reason `error`."""


@dataclass(frozen=True)
class EngineStats:
    """Counters and gauges of an engine."""

    num_running: int
    """Requests in the batch."""
    num_waiting: int
    """Requests in the queue."""
    kv_usage: float
    """Share of KV blocks held by requests, 0 to 1."""
    num_kv_blocks: int
    """All KV blocks."""
    num_free_kv_blocks: int
    """Blocks no request holds."""
    prefix_query_tokens: int
    """Prompt tokens looked up in the prefix cache."""
    prefix_hit_tokens: int
    """Those found."""
    prompt_tokens: int
    """Prompt tokens of requests that gave a first token."""
    generation_tokens: int
    """Tokens made."""
    num_preemptions: int
    """Times a running request lost its blocks."""
    step_failures: int
    """Steps that raised."""


@dataclass(frozen=True)
class GenerationRequest:
    """A prompt and what to make of it."""

    request_id: str
    """Chosen by the caller, unique."""
    prompt_token_ids: tuple[int, ...]
    """The prompt."""
    params: SamplingParams
    """How to sample."""
    model: str | None = None
    """Served model or adapter; None is the served model."""
    images: tuple[PromptImage, ...] = ()
    """The prompt's pictures, whose tokens it has already."""
