"""The offline API: `LLM(model).generate(prompts, SamplingParams(...))`."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from regard.common.progress import progress_bar
from regard.serving.async_engine import AsyncEngine
from regard.serving.config import EngineConfig
from regard.serving.content_parts import join_parts
from regard.serving.engine import Engine
from regard.serving.errors import InvalidRequestError, StepFailedError
from regard.serving.image_prompt import ExpandedPrompt, expand_placeholders
from regard.serving.images import read_data_uri
from regard.serving.intake import make_requests
from regard.serving.outputs import GenerationRequest, RequestOutput, TokenLogprobs
from regard.serving.sampling_params import SamplingParams

Prompt = str | Sequence[int]
Message = Mapping[str, Any]


@dataclass(frozen=True)
class Completion:
    """One finished sequence."""

    prompt: Prompt
    """What was asked."""
    index: int
    """Which of the n sequences of this prompt."""
    text: str
    """The answer."""
    token_ids: tuple[int, ...]
    """Its tokens, an end-of-text token included."""
    logprobs: tuple[TokenLogprobs, ...] | None
    """One entry a token, where asked for."""
    finish_reason: str
    """stop or length."""
    num_cached_tokens: int
    """Prompt tokens found in the prefix cache."""


class LLM:
    """A model for use inside a program."""

    def __init__(self, model: str = "default", **options: Any) -> None:
        """Load a model; `options` are the fields of `EngineConfig`."""
        self.engine = Engine(EngineConfig(model=model, **options))
        self.tokenizer = self.engine.tokenizer

    def generate(
        self,
        prompts: Prompt | Sequence[Prompt],
        params: SamplingParams | Sequence[SamplingParams] | None = None,
        *,
        adapter: str | None = None,
        progress: bool = True,
    ) -> list[Completion]:
        """Complete prompts (texts or token ids), all in one batch.

        Args:
            prompts: one prompt or several.
            params: for all prompts, or one for each.
            adapter: a LoRA adapter's name.
            progress: show a bar on a terminal.

        Returns:
            n completions a prompt, in the order of the prompts.

        Raises:
            InvalidRequestError: a prompt or parameter that cannot be served.
            StepFailedError: the model failed.
        """
        expanded = [
            (prompt, ExpandedPrompt(self._encode(prompt), ())) for prompt in _as_list(prompts)
        ]
        return self._complete(expanded, params, adapter, progress=progress)

    def _complete(
        self,
        prompts: Sequence[tuple[Prompt, ExpandedPrompt]],
        params: SamplingParams | Sequence[SamplingParams] | None,
        adapter: str | None,
        *,
        progress: bool,
    ) -> list[Completion]:
        shared = params or SamplingParams()
        each = [shared] * len(prompts) if isinstance(shared, SamplingParams) else list(shared)
        requests = [
            request
            for number, ((_, prompt), own) in enumerate(zip(prompts, each, strict=True))
            for request in make_requests(
                GenerationRequest(str(number), prompt.token_ids, own, images=prompt.images),
                self.engine.max_model_len,
                adapter,
            )
        ]
        waiting = list(reversed(requests))
        outputs: dict[str, list[RequestOutput]] = {request.request_id: [] for request in requests}
        with progress_bar("generating", total=len(requests), enabled=progress) as advance:
            while waiting or self.engine.has_unfinished():
                while (
                    waiting and self.engine.scheduler.num_waiting < self.engine.config.max_waiting
                ):
                    self.engine.add_request(waiting.pop())
                for output in self.engine.step():
                    outputs[output.request_id].append(output)
                    if output.finish_reason is not None:
                        advance(1)
        return [
            _completion(
                prompts[int(request.request_id.partition("#")[0])][0], outputs[request.request_id]
            )
            for request in requests
        ]

    def chat(
        self,
        messages: Sequence[Message] | Sequence[Sequence[Message]],
        params: SamplingParams | Sequence[SamplingParams] | None = None,
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        adapter: str | None = None,
        progress: bool = True,
    ) -> list[Completion]:
        """Answer one conversation, or several, through the model's chat template.

        A message's content is text, or OpenAI's list of parts; pictures come as data URIs.
        """
        is_one = not messages or isinstance(messages[0], Mapping)
        many = cast("Sequence[Sequence[Message]]", [messages] if is_one else messages)
        prompts = [self._lay_out(conversation, tools) for conversation in many]
        return self._complete(prompts, params, adapter, progress=progress)

    def _lay_out(
        self, conversation: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None
    ) -> tuple[str, ExpandedPrompt]:
        tokens, files = self.engine.loaded.picture_tokens, list[bytes]()

        def take(url: str, number: int) -> str:
            if tokens is None:
                raise InvalidRequestError("a message has a picture; this model takes text only")
            files.append(read_data_uri(url))
            return tokens.placeholder_text

        messages = [
            {**message, "content": join_parts(message["content"], take)}
            if isinstance(message.get("content"), list)
            else message
            for message in conversation
        ]
        text = self.tokenizer.apply_chat_template(messages, tools=tools)
        if tokens is None:
            return text, ExpandedPrompt(self._encode(text), ())
        return text, expand_placeholders(self._encode(text), files, tokens)

    async def stream(
        self, prompt: Prompt, params: SamplingParams | None = None, *, model: str | None = None
    ) -> AsyncIterator[RequestOutput]:
        """Yield what one prompt gains, token by token."""
        runner = AsyncEngine(self.engine)
        await runner.start()
        request = GenerationRequest(
            uuid.uuid4().hex, self._encode(prompt), params or SamplingParams(), model
        )
        try:
            async for output in runner.generate(request):
                yield output
        finally:
            await runner.stop(grace_seconds=0)

    def _encode(self, prompt: Prompt) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt)


def _as_list(prompts: Prompt | Sequence[Prompt]) -> list[Prompt]:
    if isinstance(prompts, str):
        return [prompts]
    if prompts and isinstance(prompts[0], int):
        return [prompts]  # type: ignore[list-item]  # one prompt given as token ids
    return list(prompts)  # type: ignore[arg-type]  # several prompts


def _completion(prompt: Prompt, outputs: list[RequestOutput]) -> Completion:
    last = outputs[-1]
    if last.finish_reason == "error":
        raise StepFailedError(last.error or "the step failed")
    logprobs = [entry for output in outputs for entry in output.logprobs or ()]
    return Completion(
        prompt=prompt,
        index=last.index,
        text="".join(output.text for output in outputs),
        token_ids=tuple(token for output in outputs for token in output.token_ids),
        logprobs=tuple(logprobs) if last.logprobs is not None else None,
        finish_reason=str(last.finish_reason),
        num_cached_tokens=last.num_cached_tokens,
    )
