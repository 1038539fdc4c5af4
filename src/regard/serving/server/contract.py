"""What the server asks of an engine and of its tokenizer."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from regard.serving.outputs import EngineStats, GenerationRequest, RequestOutput

if TYPE_CHECKING:
    # The command line imports this before it knows whether it will serve.
    from regard.serving.models.vision.picture_tokens import PictureTokens


class ServingTokenizer(Protocol):
    """Text to token ids and back, and the model's chat template."""

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""

    @property
    def chat_template(self) -> str | None:
        """The template's text."""

    @property
    def has_chat_template(self) -> bool:
        """Whether the model brings a chat template."""

    def encode(self, text: str, /, add_special: bool = False) -> list[int]:
        """Token ids of a text."""

    def decode(self, token_ids: Sequence[int], /, skip_special: bool = True) -> str:
        """Text of token ids."""

    def convert_id_to_bytes(self, token_id: int) -> bytes:
        """Bytes of one token; they may be half a UTF-8 character."""

    def apply_chat_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        /,
        tools: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = True,
    ) -> str:
        """The prompt of a conversation."""


class ServingEngine(Protocol):
    """An engine that runs beside the event loop; `AsyncEngine` is the real one."""

    @property
    def tokenizer(self) -> ServingTokenizer:
        """The model's tokenizer."""

    @property
    def max_model_len(self) -> int:
        """Most tokens of prompt and output together."""

    @property
    def picture_tokens(self) -> "PictureTokens | None":
        """What stands for pictures in a prompt; None where the model takes text only."""

    @property
    def model_names(self) -> tuple[str, ...]:
        """The served name first, then the adapters."""

    @property
    def is_healthy(self) -> bool:
        """Whether the engine can still take steps."""

    @property
    def is_stopping(self) -> bool:
        """Whether new work is refused."""

    async def start(self) -> None:
        """Begin to take steps."""

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new work, let what runs finish within the grace time, then end."""

    def generate(self, request: GenerationRequest) -> AsyncIterator[RequestOutput]:
        """What each of the n sequences gains, as it is made; an async generator.

        Closing it aborts the sequences. Refusals are raised at the first step.
        """

    def stats(self) -> EngineStats:
        """Counters for the metrics page."""
