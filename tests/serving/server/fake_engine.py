"""An engine without a model: it spells out a fixed text, one token a step."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from regard.serving.errors import (
    ContextLengthError,
    EngineStoppedError,
    InvalidRequestError,
    QueueFullError,
    UnknownModelError,
)
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.outputs import EngineStats, GenerationRequest, RequestOutput, TokenLogprobs

ANSWER = "the quick brown fox jumps over the lazy dog. "
EOS = 256


class FakeTokenizer:
    """Bytes are tokens; 256 ends the text."""

    vocab_size = 257
    has_chat_template = True
    chat_template = "{{ messages }} {{ tools }}"
    eos_token_ids = frozenset({EOS})

    def encode(self, text: str, add_special: bool = False) -> list[int]:
        return list(text.encode())

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        return bytes(token for token in ids if token != EOS).decode(errors="replace")

    def convert_id_to_bytes(self, token_id: int) -> bytes:
        return b"<eos>" if token_id == EOS else bytes([token_id])

    def apply_chat_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = True,
    ) -> str:
        turns = [f"<{message['role']}>{message['content']}" for message in messages]
        listed = f"<tools>{json.dumps(tools)}" if tools else ""
        return listed + "".join(turns) + ("<assistant>" if add_generation_prompt else "")


class FakeEngine:
    """Answers every prompt with `answer`, over and over, and counts what is asked of it."""

    def __init__(
        self,
        *,
        answer: str = ANSWER,
        step_seconds: float = 0.0,
        first_step_seconds: float = 0.0,
        max_model_len: int = 512,
        max_waiting: int = 64,
        fail_after: int | None = None,
    ) -> None:
        self.tokenizer = FakeTokenizer()
        self.model_names: tuple[str, ...] = ("fake", "fake-adapter")
        self.max_model_len = max_model_len
        self.picture_tokens: PictureTokens | None = None
        self.is_healthy = True
        self.is_stopping = False
        self.answer = answer
        self.step_seconds = step_seconds
        self.first_step_seconds = first_step_seconds
        self.max_waiting = max_waiting
        self.fail_after = fail_after
        self.requests: list[GenerationRequest] = []
        self.num_running = 0
        self.num_closed_early = 0
        self.generation_tokens = 0

    async def start(self) -> None:
        self.is_healthy = True

    async def stop(self, grace_seconds: float) -> None:
        self.is_stopping = True
        deadline = asyncio.get_running_loop().time() + grace_seconds
        while self.num_running and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.005)
        self.is_healthy = False

    def stats(self) -> EngineStats:
        return EngineStats(
            num_running=self.num_running,
            num_waiting=0,
            kv_usage=0.25,
            num_kv_blocks=100,
            num_free_kv_blocks=75,
            prefix_query_tokens=40,
            prefix_hit_tokens=30,
            prompt_tokens=sum(len(request.prompt_token_ids) for request in self.requests),
            generation_tokens=self.generation_tokens,
            num_preemptions=0,
            step_failures=0,
        )

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[RequestOutput, None]:
        self._admit(request)
        self.requests.append(request)
        self.num_running += 1
        finished = False
        try:
            await asyncio.sleep(self.first_step_seconds)
            for position in itertools.count():
                if position == self.fail_after:
                    yield self._failure(request, position)
                    return
                outputs = [
                    self._output(request, index, position) for index in range(request.params.n)
                ]
                for output in outputs:
                    self.generation_tokens += 1
                    yield output
                if outputs[0].finish_reason is not None:
                    finished = True
                    return
                await asyncio.sleep(self.step_seconds)
        finally:
            self.num_running -= 1
            self.num_closed_early += not finished

    def _admit(self, request: GenerationRequest) -> None:
        if self.is_stopping:
            raise EngineStoppedError("the engine takes no new work")
        if request.model not in (None, *self.model_names):
            raise UnknownModelError(str(request.model), self.model_names)
        if len(request.prompt_token_ids) >= self.max_model_len:
            raise ContextLengthError("too long")
        if self.num_running >= self.max_waiting:
            raise QueueFullError(self.num_running, retry_after_seconds=3)
        form = request.params.structured
        if form is not None and "impossible" in form.value:
            raise InvalidRequestError("no text can have this form", param="response_format")

    def _output(self, request: GenerationRequest, index: int, position: int) -> RequestOutput:
        data = self.answer.encode()
        params = request.params
        last = params.max_tokens is not None and position + 1 >= params.max_tokens
        full = len(request.prompt_token_ids) + position + 1 >= self.max_model_len
        ended = not params.ignore_eos and position == len(data)
        token = EOS if ended else data[position % len(data)]
        text = "" if ended else chr(token)
        return RequestOutput(
            request_id=request.request_id,
            index=index,
            text=text,
            token_ids=(token,),
            logprobs=self._logprobs(request, token),
            finish_reason="stop" if ended else "length" if last or full else None,
            stop_reason=None,
            num_prompt_tokens=len(request.prompt_token_ids),
            num_cached_tokens=4,
            num_output_tokens=position + 1,
        )

    def _logprobs(self, request: GenerationRequest, token: int) -> tuple[TokenLogprobs, ...] | None:
        count = request.params.logprobs
        if count is None:
            return None
        top = tuple(((token + shift) % 257, -0.5 - shift) for shift in range(count))
        return (TokenLogprobs(token, -0.5, top),)

    def _failure(self, request: GenerationRequest, position: int) -> RequestOutput:
        return RequestOutput(
            request_id=request.request_id,
            index=0,
            text="",
            token_ids=(),
            logprobs=None,
            finish_reason="error",
            stop_reason=None,
            num_prompt_tokens=len(request.prompt_token_ids),
            num_cached_tokens=0,
            num_output_tokens=position,
            error="the step failed: RuntimeError",
        )
