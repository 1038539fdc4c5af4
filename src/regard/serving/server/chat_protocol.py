"""The request and the answers of `/v1/chat/completions`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from regard.serving.sampling_params import MAX_LOGPROBS
from regard.serving.server.protocol import MAX_INT, SamplingFields, Schema, Strict, Usage

FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]


class TextPart(Strict):
    """A piece of text."""

    type: Literal["text"]
    text: str


class ImageUrl(Strict):
    """A picture, in the URL itself or where it leads."""

    url: str = Field(
        description="data:image/...;base64,... with a PNG, JPEG or WebP; an http or https URL only "
        "where the server allows it."
    )
    detail: str | None = Field(None, description="Accepted and ignored.")


class ImagePart(Strict):
    """A picture; refused by models that see nothing."""

    type: Literal["image_url"]
    image_url: ImageUrl


ContentPart = Annotated[TextPart | ImagePart, Field(discriminator="type")]
Content = str | list[ContentPart]


class CalledFunction(Strict):
    """A function as the model called it."""

    name: str
    arguments: str = Field(description="A JSON object as text.")


class MessageToolCall(Strict):
    """A call in an earlier answer, handed back by the client."""

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class Message(Strict):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content | None = None
    name: str | None = None
    tool_calls: list[MessageToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = Field(None, description="Accepted and ignored.")
    reasoning: str | None = Field(None, description="Accepted and ignored.")
    refusal: str | None = Field(None, description="Accepted and ignored.")
    annotations: list[Any] | None = Field(None, description="Accepted and ignored.")
    audio: None = Field(None, description="Null, as OpenAI's client hands it back.")
    function_call: None = Field(None, description="Null, as OpenAI's client hands it back.")


class Function(Strict):
    """A function the model may call."""

    name: FunctionName
    description: str | None = None
    parameters: Schema | None = Field(None, description="JSON schema of the arguments.")
    strict: bool | None = Field(
        None, description="Accepted; forced calls always follow the schema."
    )


class Tool(Strict):
    """A tool the model may use."""

    type: Literal["function"]
    function: Function


class NamedFunction(Strict):
    """The function that must be called."""

    name: str


class NamedToolChoice(Strict):
    """Exactly this tool."""

    type: Literal["function"]
    function: NamedFunction


class TextFormat(Strict):
    """Free text."""

    type: Literal["text"]


class JsonObjectFormat(Strict):
    """Any JSON object."""

    type: Literal["json_object"]


class JsonSchema(Strict):
    """A named schema."""

    name: str
    description: str | None = None
    schema_value: Schema | None = Field(None, alias="schema")
    strict: bool | None = Field(None, description="Accepted; the schema is always followed.")


class JsonSchemaFormat(Strict):
    """JSON that follows a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[
    TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")
]


class ChatCompletionRequest(SamplingFields):
    """A conversation and how to answer it."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(
        None, ge=1, le=MAX_INT, description="OpenAI's newer name of max_tokens."
    )
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MAX_LOGPROBS)
    response_format: ResponseFormat | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None = None
    add_generation_prompt: bool | None = None

    parallel_tool_calls: bool | None = Field(None, description="Accepted and ignored.")
    reasoning_effort: str | None = Field(None, description="Accepted and ignored.")
    verbosity: str | None = Field(None, description="Accepted and ignored.")
    modalities: list[Literal["text"]] | None = None


class TopLogprob(BaseModel):
    """A token and its log-probability."""

    token: str
    logprob: float
    bytes: list[int]


class TokenLogprob(TopLogprob):
    """The chosen token and its rivals."""

    top_logprobs: list[TopLogprob]


class ChatLogprobs(BaseModel):
    """One entry a token."""

    content: list[TokenLogprob]
    refusal: None


class ToolCall(BaseModel):
    """A call the model made."""

    id: str
    type: Literal["function"]
    function: dict[Literal["name", "arguments"], str]


class AnswerMessage(BaseModel):
    """The model's turn."""

    role: Literal["assistant"]
    content: str | None
    refusal: None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None


FinishReason = Literal["stop", "length", "tool_calls"]


class ChatChoice(BaseModel):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: ChatLogprobs | None
    finish_reason: FinishReason
    stop_reason: str | int | None = None
    """The stop string or token id that ended it."""


class ChatCompletion(BaseModel):
    """The answer to a request."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class ToolCallDelta(BaseModel):
    """What a call gained: its id and name first, its arguments piece by piece."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: dict[Literal["name", "arguments"], str]


class Delta(BaseModel):
    """What the model's turn gained."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class ChunkChoice(BaseModel):
    """What one answer gained."""

    index: int
    delta: Delta
    logprobs: ChatLogprobs | None = None
    finish_reason: FinishReason | None = None
    stop_reason: str | int | None = None


class ChatCompletionChunk(BaseModel):
    """One event of a streamed answer."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
