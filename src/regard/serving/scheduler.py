"""Which tokens of which requests go into the next step."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from regard.serving.errors import ContextLengthError, QueueFullError
from regard.serving.kv_cache import KVCacheManager
from regard.serving.request import Request, RequestStatus


@dataclass(frozen=True, kw_only=True)
class SchedulerConfig:
    """Limits of a step and of the queue."""

    max_num_seqs: int = 64
    """Most requests in one step."""
    max_num_batched_tokens: int = 512
    """Most tokens in one step; at least max_num_seqs, so that every running request advances."""
    max_num_prefill_tokens: int | None = None
    """Most prompt tokens in a step in which requests decode; None has no cap of its own."""
    max_waiting: int = 256
    """Most requests in the queue."""
    enable_chunked_prefill: bool = True
    """Cut long prompts to the token cap; without it they must fit it whole."""


@dataclass(frozen=True)
class ScheduledChunk:
    """A run of one request's pending tokens."""

    request: Request
    """Whose."""
    start: int
    """Position of the first token."""
    num_tokens: int
    """How many."""

    @property
    def samples(self) -> bool:
        """Whether nothing stays pending, so that the last token's logits give a new one."""
        return self.start + self.num_tokens == self.request.num_tokens


@dataclass(frozen=True)
class ScheduledBatch:
    """One step's work."""

    chunks: tuple[ScheduledChunk, ...]
    """One for each request in the step."""
    preempted: tuple[Request, ...]
    """Requests that lost their blocks to others."""


class Scheduler:
    """Running requests in order of arrival, then new prompts, in chunks under a token cap.

    When blocks run out, the youngest running request gives up its own and waits, at the head of
    the queue, to be computed again: the oldest always advances, so every request ends.
    """

    def __init__(self, config: SchedulerConfig, kv_cache: KVCacheManager) -> None:
        self.config = config
        self._kv_cache = kv_cache
        self._waiting: deque[Request] = deque()
        self._running: list[Request] = []

    @property
    def num_running(self) -> int:
        """Requests with blocks."""
        return len(self._running)

    @property
    def num_waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    @property
    def running(self) -> Sequence[Request]:
        """Requests with blocks, oldest first."""
        return tuple(self._running)

    @property
    def waiting(self) -> Sequence[Request]:
        """Requests in the queue, next first."""
        return tuple(self._waiting)

    def has_unfinished(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self._running or self._waiting)

    def add(self, request: Request) -> None:
        """Queue a request.

        Raises:
            QueueFullError: the queue is full.
            ContextLengthError: the request can outgrow the whole cache.
        """
        if len(self._waiting) >= self.config.max_waiting:
            raise QueueFullError(len(self._waiting), retry_after_seconds=1)
        capacity = self._kv_cache.num_blocks * self._kv_cache.block_size
        longest = len(request.prompt_token_ids) + (request.params.max_tokens or 1)
        # The last sampled token is never run through the model and needs no slot.
        if longest - 1 > capacity:
            raise ContextLengthError(
                f"prompt and output can reach {longest} tokens and the KV cache holds {capacity}"
            )
        if not self.config.enable_chunked_prefill:
            cap = self.config.max_num_batched_tokens
            if len(request.prompt_token_ids) > cap:
                raise ContextLengthError(
                    f"the prompt has {len(request.prompt_token_ids)} tokens, a step takes {cap}, "
                    "and chunked prefill is off"
                )
        self._waiting.append(request)

    def schedule(self) -> ScheduledBatch:
        """Choose the next step's work and allocate its blocks."""
        chunks: list[ScheduledChunk] = []
        preempted: list[Request] = []
        budget = self.config.max_num_batched_tokens
        prefill_budget = self._prefill_budget()
        # Oldest first. A prompt under way takes all that is left of the budget, so nothing is
        # admitted behind it until it decodes: what decodes always stands before what does not.
        for request in tuple(self._running):
            if request.status is not RequestStatus.RUNNING or budget == 0:
                continue
            is_prefill = request.num_pending_tokens > 1
            room = min(budget, prefill_budget) if is_prefill else budget
            num_tokens = min(request.num_pending_tokens, room)
            if num_tokens and self._make_room(request, num_tokens, preempted, chunks):
                self._kv_cache.allocate(request, num_tokens)
                chunks.append(ScheduledChunk(request, request.num_computed_tokens, num_tokens))
                budget -= num_tokens
                prefill_budget -= num_tokens if is_prefill else 0
        if not preempted:
            chunks += self._admit(min(budget, prefill_budget))
        return ScheduledBatch(tuple(chunks), tuple(preempted))

    def advance(self, batch: ScheduledBatch) -> None:
        """Count a batch's tokens as computed and register the blocks they filled."""
        for chunk in batch.chunks:
            chunk.request.num_computed_tokens += chunk.num_tokens
            self._kv_cache.cache_full_blocks(chunk.request)

    def finish(self, request: Request, reason: str, stop_reason: str | int | None = None) -> None:
        """End a request and free its blocks."""
        if request.status is RequestStatus.RUNNING:
            self._running.remove(request)
        elif request.status is RequestStatus.WAITING and request in self._waiting:
            self._waiting.remove(request)
        self._kv_cache.free(request)
        request.status = RequestStatus.FINISHED
        request.finish_reason, request.stop_reason = reason, stop_reason

    def abort(self, request_id: str) -> Request | None:
        """End an unfinished request by its id; None where there is none."""
        for request in (*self._running, *self._waiting):
            if request.request_id == request_id:
                self.finish(request, "abort")
                return request
        return None

    def fail_batch(self, batch: ScheduledBatch) -> None:
        """End every request of a batch with an error."""
        for chunk in batch.chunks:
            self.finish(chunk.request, "error")

    def _prefill_budget(self) -> int:
        """Prompt tokens that this step may take: few beside requests that decode."""
        cap = self.config.max_num_prefill_tokens
        if cap is None or not any(each.num_pending_tokens == 1 for each in self._running):
            return self.config.max_num_batched_tokens
        return cap

    def _admit(self, budget: int) -> list[ScheduledChunk]:
        chunks: list[ScheduledChunk] = []
        while self._waiting and budget > 0 and len(self._running) < self.config.max_num_seqs:
            request = self._waiting[0]
            is_first = not request.output_token_ids and request.num_cached_tokens == 0
            found = self._kv_cache.match_prefix(request)
            num_tokens = min(request.num_pending_tokens, budget)
            too_long = num_tokens < request.num_pending_tokens
            if (too_long and not self.config.enable_chunked_prefill and chunks) or not (
                self._kv_cache.can_allocate(request, num_tokens)
            ):
                self._kv_cache.free(request)
                break
            if is_first:
                request.num_cached_tokens = found
                self._kv_cache.stats.query_tokens += len(request.prompt_token_ids)
                self._kv_cache.stats.hit_tokens += found
            self._kv_cache.allocate(request, num_tokens)
            self._waiting.popleft()
            request.status = RequestStatus.RUNNING
            self._running.append(request)
            chunks.append(ScheduledChunk(request, request.num_computed_tokens, num_tokens))
            budget -= num_tokens
        return chunks

    def _make_room(
        self,
        request: Request,
        num_tokens: int,
        preempted: list[Request],
        chunks: list[ScheduledChunk],
    ) -> bool:
        """Preempt the youngest until the request's tokens fit; False if it had to go itself."""
        while not self._kv_cache.can_allocate(request, num_tokens):
            victim = self._running[-1]
            self._preempt(victim)
            preempted.append(victim)
            chunks[:] = [chunk for chunk in chunks if chunk.request is not victim]
            if victim is request:
                return False
        return True

    def _preempt(self, request: Request) -> None:
        self._running.remove(request)
        self._kv_cache.free(request)
        request.status = RequestStatus.WAITING
        self._waiting.appendleft(request)
