"""What a caller may ask of sampling."""

import math
from dataclasses import dataclass
from typing import Literal

from regard.serving.errors import InvalidRequestError

MAX_LOGPROBS = 20
MAX_N = 64


@dataclass(frozen=True)
class StructuredOutput:
    """A form that the output must have."""

    kind: Literal["json_schema", "json_object", "regex", "grammar"]
    """What `value` is."""
    value: str = ""
    """A JSON schema as text, a regular expression, or a Lark grammar."""

    def __post_init__(self) -> None:
        if self.kind not in ("json_schema", "json_object", "regex", "grammar"):
            raise InvalidRequestError(f"unknown kind of structured output: {self.kind!r}")
        if self.kind != "json_object" and not self.value:
            raise InvalidRequestError(f"structured output of kind {self.kind!r} needs a value")


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """How to choose tokens and when to stop."""

    n: int = 1
    """Sequences to make of one prompt."""
    max_tokens: int | None = None
    """Most output tokens; None goes to the end of the context."""
    min_tokens: int = 0
    """No end of text and no stop before so many tokens."""
    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    """Keep the likeliest tokens that together have this probability."""
    top_k: int = 0
    """Keep so many of the likeliest tokens; 0 keeps all."""
    min_p: float = 0.0
    """Drop tokens less likely than this share of the likeliest."""
    repetition_penalty: float = 1.0
    """Above 1 makes tokens of prompt and output less likely (by division)."""
    presence_penalty: float = 0.0
    """Taken off the logit of every token of the output so far."""
    frequency_penalty: float = 0.0
    """Taken off once for every time the token stands in the output so far."""
    seed: int | None = None
    """Same seed, same text, whatever else is in the batch."""
    stop: tuple[str, ...] = ()
    """Texts that end the output; not part of it unless `include_stop_in_output`."""
    stop_token_ids: tuple[int, ...] = ()
    """Tokens that end the output."""
    ignore_eos: bool = False
    """Go on past the end-of-text token."""
    logprobs: int | None = None
    """None: none; 0: of the chosen token; k: also of the k likeliest (at most 20)."""
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Added to the logits of these tokens."""
    structured: StructuredOutput | None = None
    """A form that the output must have."""
    include_stop_in_output: bool = False
    """Keep the stop string at the end of the output."""
    skip_special_tokens: bool = True
    """Leave special tokens out of the text."""

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is taken."""
        return self.temperature == 0.0

    def __post_init__(self) -> None:
        self._check_counts()
        self._check_numbers()
        if any(not text for text in self.stop):
            raise InvalidRequestError("a stop string is empty", param="stop")

    def _check_counts(self) -> None:
        _require(1 <= self.n <= MAX_N, "n", self.n, f"from 1 to {MAX_N}")
        if self.max_tokens is not None:
            _require(self.max_tokens >= 1, "max_tokens", self.max_tokens, "at least 1")
        _require(self.min_tokens >= 0, "min_tokens", self.min_tokens, "at least 0")
        if self.max_tokens is not None and self.min_tokens > self.max_tokens:
            raise InvalidRequestError(
                f"min_tokens is {self.min_tokens}, more than max_tokens, {self.max_tokens}",
                param="min_tokens",
            )
        _require(self.top_k >= 0, "top_k", self.top_k, "at least 0 (0 keeps all)")
        if self.logprobs is not None:
            fits = 0 <= self.logprobs <= MAX_LOGPROBS
            _require(fits, "logprobs", self.logprobs, f"from 0 to {MAX_LOGPROBS}")
        if self.seed is not None:
            fits = -(2**63) <= self.seed < 2**64
            _require(fits, "seed", self.seed, "a 64-bit integer")

    def _check_numbers(self) -> None:
        _require(0.0 <= self.temperature <= 100.0, "temperature", self.temperature, "from 0 to 100")
        _require(0.0 < self.top_p <= 1.0, "top_p", self.top_p, "above 0 and at most 1")
        _require(0.0 <= self.min_p <= 1.0, "min_p", self.min_p, "from 0 to 1")
        fits = 0.0 < self.repetition_penalty <= 100.0
        _require(fits, "repetition_penalty", self.repetition_penalty, "above 0 and at most 100")
        for name in ("presence_penalty", "frequency_penalty"):
            value = getattr(self, name)
            _require(-2.0 <= value <= 2.0, name, value, "from -2 to 2")
        for token_id, bias in self.logit_bias:
            fits = math.isfinite(bias) and -100.0 <= bias <= 100.0
            _require(fits, "logit_bias", bias, f"from -100 to 100 (token {token_id})")


def _require(fits: bool, name: str, value: object, allowed: str) -> None:
    if not fits:
        raise InvalidRequestError(f"{name} is {value}; it must be {allowed}", param=name)
