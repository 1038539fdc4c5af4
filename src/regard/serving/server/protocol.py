"""What both generating endpoints share: sampling options, usage, errors, models."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from regard.serving.sampling_params import MAX_N

MAX_INT = 2**31 - 1
MAX_SEED = 2**63 - 1

TokenId = Annotated[int, Field(ge=0, le=MAX_INT)]
Schema = dict[str, Any]


class Strict(BaseModel):
    """A part of a request: no conversions, no infinities, no unknown fields."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=()
    )


class StreamOptions(Strict):
    """How to stream."""

    include_usage: bool | None = Field(None, description="End with a chunk that counts tokens.")


class StructuredOutputs(Strict):
    """Exactly one way to constrain the text (vLLM's `structured_outputs`)."""

    json_value: Schema | str | None = Field(None, alias="json", description="JSON schema.")
    json_object: bool | None = Field(None, description="Any JSON object.")
    regex: str | None = Field(None, description="Regular expression.")
    choice: list[str] | None = Field(None, min_length=1, description="One of these texts.")
    grammar: str | None = Field(None, description="Lark grammar.")


class SamplingFields(Strict):
    """Options of a generation; null stands for the default everywhere."""

    model: str | None = Field(None, description="Served model or adapter; the first by default.")
    n: int | None = Field(None, ge=1, le=MAX_N, description="Answers for each prompt.")
    max_tokens: int | None = Field(None, ge=1, le=MAX_INT)
    min_tokens: int | None = Field(None, ge=0, le=MAX_INT)
    temperature: float | None = Field(None, ge=0, le=100, description="0 is greedy.")
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=-1, le=MAX_INT, description="0 and -1 switch it off.")
    min_p: float | None = Field(None, ge=0, le=1)
    repetition_penalty: float | None = Field(None, gt=0, le=100)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    seed: int | None = Field(None, ge=-MAX_SEED - 1, le=MAX_SEED)
    stop: str | list[str] | None = Field(None, description="The text ends before any of these.")
    stop_token_ids: list[TokenId] | None = None
    ignore_eos: bool | None = None
    include_stop_str_in_output: bool | None = None
    skip_special_tokens: bool | None = None
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = Field(
        None, description="Token id to what is added to its logit."
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    structured_outputs: StructuredOutputs | None = None
    guided_json: Schema | str | None = None
    guided_regex: str | None = None
    guided_choice: list[str] | None = Field(None, min_length=1)
    guided_grammar: str | None = None

    user: str | None = Field(None, description="Accepted and ignored.")
    store: bool | None = Field(None, description="Accepted and ignored.")
    metadata: dict[str, Any] | None = Field(None, description="Accepted and ignored.")
    service_tier: str | None = Field(None, description="Accepted and ignored.")
    safety_identifier: str | None = Field(None, description="Accepted and ignored.")
    prompt_cache_key: str | None = Field(None, description="Accepted and ignored.")
    prompt_cache_retention: str | None = Field(None, description="Accepted and ignored.")


class PromptTokensDetails(BaseModel):
    """Where the prompt's tokens came from."""

    cached_tokens: int
    """Tokens found in the prefix cache."""


class Usage(BaseModel):
    """Tokens of one API request, all its answers together."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails


class ErrorObject(BaseModel):
    """OpenAI's error."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorResponse(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorObject


class ModelCard(BaseModel):
    """One served model or adapter."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "regard"
    root: str
    """The base model of an adapter, or the model itself."""
    parent: str | None = None
    """The base model of an adapter."""
    max_model_len: int


class ModelList(BaseModel):
    """Everything that can be asked for by name."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class Health(BaseModel):
    """Whether work is taken."""

    status: Literal["ok", "stopping", "failed"]
