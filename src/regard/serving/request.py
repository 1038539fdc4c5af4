"""One sequence on its way through the engine."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from regard.serving.prompt_image import PromptImage
from regard.serving.sampling_params import SamplingParams

if TYPE_CHECKING:
    # Decisions are made without tensors: scheduler and cache import no torch.
    from regard.serving.image_embeddings import ImageEmbeddings


class RequestStatus(Enum):
    """Where a request stands."""

    WAITING = auto()
    RUNNING = auto()
    FINISHED = auto()


@dataclass(eq=False)
class Request:
    """A prompt, what was made of it so far, and the blocks that hold its keys and values."""

    request_id: str
    """Unique among unfinished requests."""
    prompt_token_ids: list[int]
    """The prompt."""
    params: SamplingParams
    """How to sample."""
    arrival_seconds: float
    """Monotonic clock."""
    index: int = 0
    """Which of the n sequences of its prompt."""
    adapter: str | None = None
    """LoRA adapter."""
    cache_salt: str = ""
    """Adapter: equal tokens share blocks only where this is equal too."""
    images: tuple[PromptImage, ...] = ()
    """The prompt's pictures, whose tokens it has already."""
    image_embeddings: "ImageEmbeddings | None" = None
    """What goes in place of the pictures' tokens; set before the request is queued."""
    output_token_ids: list[int] = field(default_factory=list)
    """Sampled so far."""
    num_computed_tokens: int = 0
    """Leading tokens whose keys and values are in the cache."""
    num_cached_tokens: int = 0
    """Prompt tokens found in the prefix cache at the first admission."""
    block_table: list[int] = field(default_factory=list)
    """Block ids in order."""
    status: RequestStatus = RequestStatus.WAITING
    """Where it stands."""
    finish_reason: str | None = None
    """Why it ended."""
    stop_reason: str | int | None = None
    """The stop string or token that ended it."""

    @property
    def token_ids(self) -> list[int]:
        """Prompt and output."""
        return self.prompt_token_ids + self.output_token_ids

    @property
    def num_tokens(self) -> int:
        """Length of prompt and output."""
        return len(self.prompt_token_ids) + len(self.output_token_ids)

    @property
    def num_pending_tokens(self) -> int:
        """Tokens still to be run through the model; 1 for a decoding request."""
        return self.num_tokens - self.num_computed_tokens

    def block_salt(self, start: int, end: int) -> str:
        """What tells tokens start to end from equal ones: the adapter and the pictures there."""
        digests = [
            image.digest
            for image in self.images
            if image.start < end and start < image.start + image.num_tokens
        ]
        return ":".join([self.cache_salt, *digests])

    def tokens(self, start: int, end: int) -> list[int]:
        """Tokens start to end without copying the whole sequence."""
        split = len(self.prompt_token_ids)
        if start >= split:
            return self.output_token_ids[start - split : end - split]
        return self.prompt_token_ids[start:end] + self.output_token_ids[: max(0, end - split)]
