"""Where the terminal chat gets its answers: a server, or an engine in this process."""

import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from regard.serving.api_client import ApiClient
from regard.serving.outputs import GenerationRequest
from regard.serving.reasoning import START, ReasoningSplitter, marks_reasoning
from regard.serving.sampling_params import SamplingParams

if TYPE_CHECKING:
    from regard.serving.async_engine import AsyncEngine

Messages = Sequence[Mapping[str, str]]


class Piece(NamedTuple):
    """What an answer gained."""

    content: str = ""
    """Text of the answer."""
    reasoning: str = ""
    """Text of the reasoning before it."""
    num_tokens: int = 0
    """Tokens of the answer so far; 0 where not known yet."""


@dataclass(frozen=True)
class AnswerLimits:
    """How to answer."""

    max_tokens: int
    """Most tokens of one answer."""
    temperature: float
    """0 is greedy."""
    seed: int | None
    """Same seed and conversation, same answer."""


class ChatModel(Protocol):
    """Something that answers a conversation."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    def answer(self, messages: Messages) -> AsyncGenerator[Piece, None]:
        """The next turn, piece by piece; closing it stops the work."""
        ...

    async def aclose(self) -> None:
        """Ends connections and threads."""
        ...


class ServerModel:
    """A model behind a server."""

    def __init__(self, client: ApiClient, name: str, limits: AnswerLimits) -> None:
        self.name = name
        self._client = client
        self._limits = limits

    async def answer(self, messages: Messages) -> AsyncGenerator[Piece, None]:
        """The next turn, piece by piece; closing it hangs up, and the server stops.

        Raises:
            ServerError: the server refuses, fails or cannot be reached.
        """
        body = {
            "model": self.name,
            "messages": list(messages),
            "max_tokens": self._limits.max_tokens,
            "temperature": self._limits.temperature,
        }
        if self._limits.seed is not None:
            body["seed"] = self._limits.seed
        async with aclosing(self._client.stream("/chat/completions", body)) as events:
            async for event in events:
                usage = event.get("usage") or {}
                choices = event.get("choices") or [{}]
                delta = choices[0].get("delta") or {}
                yield Piece(
                    delta.get("content") or "",
                    delta.get("reasoning_content") or delta.get("reasoning") or "",
                    usage.get("completion_tokens") or 0,
                )

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


class LocalModel:
    """A model in this process."""

    def __init__(self, engine: "AsyncEngine", limits: AnswerLimits) -> None:
        self._engine = engine
        self._limits = limits

    @property
    def name(self) -> str:
        """The served name."""
        return self._engine.model_names[0]

    async def answer(self, messages: Messages) -> AsyncGenerator[Piece, None]:
        """The next turn, piece by piece; closing it aborts the request.

        Raises:
            ServingError: the conversation does not fit, or a step failed.
        """
        tokenizer = self._engine.tokenizer
        prompt = tokenizer.apply_chat_template(messages)
        token_ids = tuple(tokenizer.encode(prompt))
        room = max(self._engine.max_model_len - len(token_ids), 1)
        params = SamplingParams(
            max_tokens=min(self._limits.max_tokens, room),
            temperature=self._limits.temperature,
            seed=self._limits.seed,
        )
        splitter = None
        if marks_reasoning(tokenizer.chat_template):
            splitter = ReasoningSplitter(starts_inside=prompt.rstrip().endswith(START))
        request = GenerationRequest(uuid.uuid4().hex, token_ids, params)
        async with aclosing(self._engine.generate(request)) as outputs:
            async for output in outputs:
                yield _piece(output.text, splitter, output.num_output_tokens)
        if splitter is not None:
            rest = splitter.flush()
            yield Piece(rest.content, rest.reasoning)

    async def aclose(self) -> None:
        """Ends the engine's thread."""
        await self._engine.stop(grace_seconds=0)


def _piece(text: str, splitter: ReasoningSplitter | None, num_tokens: int) -> Piece:
    if splitter is None:
        return Piece(text, "", num_tokens)
    split = splitter.push(text)
    return Piece(split.content, split.reasoning, num_tokens)
