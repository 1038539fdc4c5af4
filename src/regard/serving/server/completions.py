"""`/v1/completions`: prompts as text or token ids, continued."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from itertools import chain
from typing import Literal

from fastapi import Request, Response

from regard.serving.errors import InvalidRequestError
from regard.serving.outputs import GenerationRequest, TokenLogprobs
from regard.serving.server.completion_protocol import (
    Completion,
    CompletionChoice,
    CompletionLogprobs,
    CompletionRequest,
)
from regard.serving.server.context import Admission, ServerContext, UsageCounter, count_usage
from regard.serving.server.generation import Gain, Generation
from regard.serving.server.logprobs import completion_logprobs
from regard.serving.server.protocol import Usage
from regard.serving.server.sampling_options import (
    check_stream_options,
    check_token_ids,
    sampling_params,
    structured_output,
    wants_usage,
)
from regard.serving.server.streaming import EventStream

DEFAULT_MAX_TOKENS = 16


class CompletionAnswer:
    """Answers one request of `/v1/completions`."""

    def __init__(
        self, context: ServerContext, body: CompletionRequest, admission: Admission
    ) -> None:
        self._context = context
        self._tokenizer = context.engine.tokenizer
        self._body = body
        self._admission = admission
        self._num_answers = body.n or 1
        self._echoes: list[str] = []

    async def respond(self, client: Request) -> Response:
        """Run the request and answer, streaming or not.

        Raises:
            ServingError: before the first token; what fails later goes into the stream.
            ClientGoneError: nobody is there to answer.
        """
        _check_options(self._body)
        requests = await asyncio.to_thread(self._requests)
        generation = Generation(self._context.engine, requests, self._admission.timer)
        if self._body.stream:
            await generation.open(client)
            return EventStream(self._chunks(generation), generation, self._context.metrics)
        answer = self._whole(await generation.collect(client))
        return Response(answer.model_dump_json(exclude_unset=True), media_type="application/json")

    def _requests(self) -> list[GenerationRequest]:
        body = self._body
        params = sampling_params(
            body,
            vocab_size=self._tokenizer.vocab_size,
            max_tokens=body.max_tokens or DEFAULT_MAX_TOKENS,
            logprobs=body.logprobs,
            structured=structured_output(body),
        )
        prompts = _prompts(body)
        requests = []
        for index, prompt in enumerate(prompts):
            token_ids = tuple(
                self._tokenizer.encode(prompt, add_special=True)
                if isinstance(prompt, str)
                else prompt
            )
            if not token_ids:
                raise InvalidRequestError("the prompt is empty", param="prompt")
            check_token_ids(token_ids, self._tokenizer.vocab_size, "prompt")
            self._context.check_length(len(token_ids), params.max_tokens)
            requests.append(
                GenerationRequest(
                    request_id=f"{self._admission.id}-{index}",
                    prompt_token_ids=token_ids,
                    params=params,
                    model=self._admission.model,
                )
            )
        if body.echo:
            self._echoes = [
                prompt if isinstance(prompt, str) else self._tokenizer.decode(prompt)
                for prompt in prompts
            ]
        return requests

    def _whole(self, gains: Sequence[Gain]) -> Completion:
        sequences: dict[int, list[Gain]] = {}
        for gain in gains:
            sequences.setdefault(self._choice_index(gain), []).append(gain)
        choices = [self._choice(index, sequences[index]) for index in sorted(sequences)]
        return self._completion(choices, count_usage(gains))

    def _choice(self, index: int, gains: Sequence[Gain]) -> CompletionChoice:
        last = gains[-1].output
        entries = tuple(chain.from_iterable(gain.output.logprobs or () for gain in gains))
        return CompletionChoice(
            index=index,
            text=self._echo(index) + "".join(gain.output.text for gain in gains),
            logprobs=self._logprobs(entries, 0),
            finish_reason=_finish_reason(last.finish_reason),
            stop_reason=last.stop_reason,
        )

    async def _chunks(self, generation: Generation) -> AsyncGenerator[Completion, None]:
        counter = UsageCounter()
        offsets: dict[int, int] = {}
        async for gain in generation:
            counter.record(gain)
            index, output = self._choice_index(gain), gain.output
            text = output.text if index in offsets else self._echo(index) + output.text
            logprobs = self._logprobs(output.logprobs or (), offsets.setdefault(index, 0))
            if logprobs is not None:
                offsets[index] += sum(map(len, logprobs.tokens))
            if text or logprobs or output.finish_reason:
                choice = CompletionChoice(
                    index=index,
                    text=text,
                    logprobs=logprobs,
                    finish_reason=_finish_reason(output.finish_reason),
                    stop_reason=output.stop_reason,
                )
                yield self._completion([choice], None)
        if wants_usage(self._body):
            yield self._completion([], counter.usage())

    def _completion(self, choices: list[CompletionChoice], usage: Usage | None) -> Completion:
        completion = Completion(
            id=self._admission.id,
            object="text_completion",
            created=self._admission.created,
            model=self._admission.model,
            choices=choices,
        )
        if usage is not None or wants_usage(self._body):
            completion.usage = usage
        return completion

    def _choice_index(self, gain: Gain) -> int:
        return gain.prompt_index * self._num_answers + gain.output.index

    def _echo(self, index: int) -> str:
        return self._echoes[index // self._num_answers] if self._echoes else ""

    def _logprobs(
        self, entries: Sequence[TokenLogprobs], text_offset: int
    ) -> CompletionLogprobs | None:
        if self._body.logprobs is None:
            return None
        return completion_logprobs(
            self._tokenizer,
            entries,
            with_top=self._body.logprobs > 0,
            text_offset=text_offset,
        )


def _check_options(body: CompletionRequest) -> None:
    if body.suffix:
        raise InvalidRequestError(
            "suffix is not supported: the models served here do not fill in", param="suffix"
        )
    if body.best_of is not None and body.best_of != (body.n or 1):
        raise InvalidRequestError(
            f"best_of is {body.best_of} and n is {body.n or 1}: choosing among more answers than "
            "are returned is not supported",
            param="best_of",
        )
    if body.echo and body.logprobs is not None:
        raise InvalidRequestError(
            "echo with logprobs is not supported: prompts are not scored", param="echo"
        )
    check_stream_options(body)


def _prompts(body: CompletionRequest) -> list[str | list[int]]:
    prompt = body.prompt
    if isinstance(prompt, str):
        return [prompt]
    if isinstance(prompt[0], int):
        return [[token_id for token_id in prompt if isinstance(token_id, int)]]
    return [part for part in prompt if not isinstance(part, int)]


def _finish_reason(reason: str | None) -> Literal["stop", "length"] | None:
    if reason is None:
        return None
    return "length" if reason == "length" else "stop"
