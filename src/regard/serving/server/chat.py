"""`/v1/chat/completions`: conversations, answered."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import chain

from fastapi import Request, Response

from regard.serving.errors import InvalidRequestError
from regard.serving.outputs import GenerationRequest, RequestOutput, TokenLogprobs
from regard.serving.reasoning import START as REASONING_START
from regard.serving.reasoning import ReasoningSplitter, marks_reasoning
from regard.serving.sampling_params import StructuredOutput
from regard.serving.server.answer_parser import AnswerParser, AnswerPart, merge_parts
from regard.serving.server.chat_images import ChatImages
from regard.serving.server.chat_prompt import template_messages
from regard.serving.server.chat_protocol import (
    AnswerMessage,
    ChatChoice,
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionRequest,
    ChatLogprobs,
    ChunkChoice,
    Delta,
    FinishReason,
)
from regard.serving.server.context import Admission, ServerContext, UsageCounter, count_usage
from regard.serving.server.generation import Gain, Generation
from regard.serving.server.logprobs import chat_logprobs
from regard.serving.server.protocol import Usage
from regard.serving.server.sampling_options import (
    check_stream_options,
    json_schema,
    only_one,
    sampling_params,
    structured_output,
    wants_usage,
)
from regard.serving.server.streaming import EventStream
from regard.serving.server.tool_use import ToolUse, describe_in_messages, tool_use

# Templates that can list tools name this variable.
TOOLS_VARIABLE = "tools"


class ChatAnswer:
    """Answers one request of `/v1/chat/completions`."""

    def __init__(
        self, context: ServerContext, body: ChatCompletionRequest, admission: Admission
    ) -> None:
        self._context = context
        self._tokenizer = context.engine.tokenizer
        self._body = body
        self._admission = admission
        self._tool_use = ToolUse()
        self._starts_in_reasoning = False

    async def respond(self, client: Request) -> Response:
        """Run the request and answer, streaming or not.

        Raises:
            ServingError: before the first token; what fails later goes into the stream.
            ClientGoneError: nobody is there to answer.
        """
        request = await asyncio.to_thread(self._request)
        generation = Generation(self._context.engine, [request], self._admission.timer)
        if self._body.stream:
            await generation.open(client)
            return EventStream(self._chunks(generation), generation, self._context.metrics)
        answer = self._whole(await generation.collect(client))
        return Response(answer.model_dump_json(exclude_unset=True), media_type="application/json")

    def _request(self) -> GenerationRequest:
        body = self._body
        _check_options(body)
        max_tokens = body.max_completion_tokens or body.max_tokens
        self._tool_use = tool_use(body)
        params = sampling_params(
            body,
            vocab_size=self._tokenizer.vocab_size,
            max_tokens=max_tokens,
            logprobs=(body.top_logprobs or 0) if body.logprobs else None,
            structured=only_one(
                structured_output(body), _response_format(body), self._tool_use.form
            ),
        )
        images = ChatImages(self._context.engine.picture_tokens, self._context.config)
        prompt = self._prompt(images)
        # A form holds from the first token on, so that nothing stands before it.
        inside = prompt.rstrip().endswith(REASONING_START)
        self._starts_in_reasoning = inside and params.structured is None
        expanded = images.expand(self._tokenizer.encode(prompt))
        self._context.check_length(len(expanded.token_ids), max_tokens)
        return GenerationRequest(
            self._admission.id,
            expanded.token_ids,
            params,
            self._admission.model,
            expanded.images,
        )

    def _prompt(self, images: ChatImages) -> str:
        if not self._tokenizer.has_chat_template:
            raise InvalidRequestError(
                f"{self._admission.model} has no chat template; use /v1/completions, or start the "
                "server with --chat-template FILE"
            )
        messages, tools = template_messages(self._body.messages, images), self._tool_use.tools
        if TOOLS_VARIABLE not in (self._tokenizer.chat_template or ""):
            messages, tools = describe_in_messages(messages, tools), ()
        return self._tokenizer.apply_chat_template(
            messages,
            tools=tools or None,
            add_generation_prompt=self._body.add_generation_prompt is not False,
        )

    def _parser(self) -> AnswerParser:
        reasoning = None
        if marks_reasoning(self._tokenizer.chat_template):
            reasoning = ReasoningSplitter(starts_inside=self._starts_in_reasoning)
        return AnswerParser(reasoning=reasoning, calls=self._tool_use.stream())

    def _whole(self, gains: Sequence[Gain]) -> ChatCompletion:
        sequences: dict[int, list[RequestOutput]] = {}
        for gain in gains:
            sequences.setdefault(gain.output.index, []).append(gain.output)
        return ChatCompletion(
            id=self._admission.id,
            object="chat.completion",
            created=self._admission.created,
            model=self._admission.model,
            choices=[self._choice(index, sequences[index]) for index in sorted(sequences)],
            usage=count_usage(gains),
        )

    def _choice(self, index: int, outputs: Sequence[RequestOutput]) -> ChatChoice:
        parser = self._parser()
        parts = [parser.push("".join(output.text for output in outputs)), parser.flush()]
        content, reasoning, tool_calls = merge_parts(parts)
        message = AnswerMessage(
            role="assistant", content=content or (None if tool_calls else ""), refusal=None
        )
        if reasoning:
            message.reasoning_content = reasoning
        if tool_calls:
            message.tool_calls = tool_calls
        return ChatChoice(
            index=index,
            message=message,
            logprobs=self._logprobs(
                list(chain.from_iterable(output.logprobs or () for output in outputs))
            ),
            finish_reason=_finish_reason(outputs[-1], bool(tool_calls)) or "stop",
            stop_reason=outputs[-1].stop_reason,
        )

    async def _chunks(self, generation: Generation) -> AsyncGenerator[ChatCompletionChunk, None]:
        counter = UsageCounter()
        streams: dict[int, ChoiceStream] = {}
        async for gain in generation:
            counter.record(gain)
            output = gain.output
            if output.index not in streams:
                streams[output.index] = ChoiceStream(output.index, self._parser())
                first = Delta(role="assistant", content="")
                yield self._chunk([streams[output.index].choice(first)])
            logprobs = self._logprobs(output.logprobs or ())
            choices = streams[output.index].push(output, logprobs)
            if choices:
                yield self._chunk(choices)
        if wants_usage(self._body):
            yield self._chunk([], counter.usage())

    def _chunk(self, choices: list[ChunkChoice], usage: Usage | None = None) -> ChatCompletionChunk:
        chunk = ChatCompletionChunk(
            id=self._admission.id,
            object="chat.completion.chunk",
            created=self._admission.created,
            model=self._admission.model,
            choices=choices,
        )
        if wants_usage(self._body):
            chunk.usage = usage
        return chunk

    def _logprobs(self, entries: Sequence[TokenLogprobs]) -> ChatLogprobs | None:
        return chat_logprobs(self._tokenizer, entries) if self._body.logprobs else None


class ChoiceStream:
    """Turns one sequence's outputs into the chunks of its answer."""

    def __init__(self, index: int, parser: AnswerParser) -> None:
        self._index = index
        self._parser = parser
        self._calls_tools = False

    def choice(self, delta: Delta, logprobs: ChatLogprobs | None = None) -> ChunkChoice:
        """A gain that is not the last."""
        return ChunkChoice(index=self._index, delta=delta, logprobs=logprobs, finish_reason=None)

    def push(self, output: RequestOutput, logprobs: ChatLogprobs | None) -> list[ChunkChoice]:
        """The choices to send for one output, none where there is nothing to show yet."""
        parts = [self._parser.push(output.text)]
        if output.finish_reason is not None:
            parts.append(self._parser.flush())
        deltas = [delta for part in parts for delta in _deltas(part)]
        if logprobs is not None and logprobs.content and not deltas:
            deltas = [Delta(content="")]
        choices = [self.choice(delta) for delta in deltas]
        if choices:
            choices[0].logprobs = logprobs
        self._calls_tools |= any(delta.tool_calls for delta in deltas)
        reason = _finish_reason(output, self._calls_tools)
        if reason is not None:
            last = self.choice(Delta())
            last.finish_reason = reason
            last.stop_reason = output.stop_reason
            choices.append(last)
        return choices


def _deltas(part: AnswerPart) -> list[Delta]:
    deltas = []
    if part.reasoning:
        deltas.append(Delta(reasoning_content=part.reasoning))
    if part.content:
        deltas.append(Delta(content=part.content))
    if part.tool_calls:
        deltas.append(Delta(tool_calls=list(part.tool_calls)))
    return deltas


def _finish_reason(output: RequestOutput, calls_tools: bool) -> FinishReason | None:
    if output.finish_reason is None:
        return None
    if output.finish_reason == "length":
        return "length"
    return "tool_calls" if calls_tools else "stop"


def _response_format(body: ChatCompletionRequest) -> StructuredOutput | None:
    form = body.response_format
    if form is None or form.type == "text":
        return None
    if form.type == "json_object":
        return StructuredOutput("json_object")
    if form.json_schema.schema_value is None:
        raise InvalidRequestError(
            "json_schema has no schema", param="response_format.json_schema.schema"
        )
    return json_schema(form.json_schema.schema_value, "response_format.json_schema.schema")


def _check_options(body: ChatCompletionRequest) -> None:
    check_stream_options(body)
    if body.top_logprobs is not None and not body.logprobs:
        raise InvalidRequestError(
            "top_logprobs is given and logprobs is not true", param="top_logprobs"
        )
    both = (body.max_tokens, body.max_completion_tokens)
    if None not in both and both[0] != both[1]:
        raise InvalidRequestError(
            f"max_tokens is {both[0]} and max_completion_tokens, its newer name, is {both[1]}",
            param="max_completion_tokens",
        )
