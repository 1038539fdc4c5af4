"""The request and the answers of `/v1/completions`."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from regard.serving.sampling_params import MAX_LOGPROBS
from regard.serving.server.protocol import SamplingFields, TokenId, Usage

Prompt = (
    str
    | Annotated[list[str], Field(min_length=1)]
    | Annotated[list[TokenId], Field(min_length=1)]
    | Annotated[list[Annotated[list[TokenId], Field(min_length=1)]], Field(min_length=1)]
)


class CompletionRequest(SamplingFields):
    """What to complete and how."""

    prompt: Prompt = Field(description="Text, texts, token ids or lists of token ids.")
    logprobs: int | None = Field(None, ge=0, le=MAX_LOGPROBS)
    echo: bool | None = Field(None, description="Begin the answer with the prompt.")
    best_of: int | None = Field(None, ge=1, description="Only with the value of n.")
    suffix: str | None = Field(None, description="Refused: the models here do not fill in.")


class CompletionLogprobs(BaseModel):
    """Log-probabilities, one entry a token."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]] | None
    text_offset: list[int]


class CompletionChoice(BaseModel):
    """One answer, or what it gained."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: Literal["stop", "length"] | None
    stop_reason: str | int | None = None
    """The stop string or token id that ended it."""


class Completion(BaseModel):
    """The answer to a request, or one chunk of it."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None = None
