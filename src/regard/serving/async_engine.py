"""The engine in a thread of its own, with async generators for its callers."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable

from regard.serving.config import EngineConfig
from regard.serving.delivery import Mailbox, put_all
from regard.serving.engine import Engine
from regard.serving.errors import (
    EngineStoppedError,
    QueueFullError,
    ServingError,
    StepFailedError,
    UnknownModelError,
)
from regard.serving.intake import make_requests
from regard.serving.models.vision.picture_tokens import PictureTokens
from regard.serving.models.vision.prompt_images import embed_images
from regard.serving.outputs import EngineStats, GenerationRequest, RequestOutput
from regard.serving.request import Request
from regard.serving.structured import compile_grammar
from regard.serving.tokenizer import Tokenizer

logger = logging.getLogger(__name__)


class AsyncEngine:
    """Runs `Engine.step` in a background thread and hands its outputs to async callers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._mailboxes: dict[str, Mailbox] = {}
        self._inbox: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = self._halt = False
        self._outputs: list[RequestOutput] = []
        self._is_on_gpu = engine.loaded.numerics.device.type == "cuda"

    @classmethod
    def from_config(cls, config: EngineConfig) -> "AsyncEngine":
        """Load the model and wrap an engine around it."""
        return cls(Engine(config))

    @property
    def config(self) -> EngineConfig:
        """The engine's options."""
        return self.engine.config

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self.engine.tokenizer

    @property
    def max_model_len(self) -> int:
        """Most tokens of prompt and output together."""
        return self.engine.max_model_len

    @property
    def picture_tokens(self) -> PictureTokens | None:
        """What stands for pictures in a prompt; None where the model takes text only."""
        return self.engine.loaded.picture_tokens

    @property
    def model_names(self) -> tuple[str, ...]:
        """The served name first, then the adapters."""
        return (self.engine.loaded.name, *self.engine.loaded.loras)

    @property
    def is_healthy(self) -> bool:
        """Whether the engine's thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """Whether new work is refused."""
        return self._stopping

    async def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._loop, name="regard-engine", daemon=True)
        self._thread.start()

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new work, let what runs finish within the grace time, then end the thread."""
        self._stopping = True
        deadline = time.monotonic() + grace_seconds
        while self._mailboxes and self.is_healthy and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        with self._wake:
            self._halt = True
            self._wake.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        for mailbox in self._mailboxes.values():
            mailbox.put(EngineStoppedError("the server stopped"))

    def stats(self) -> EngineStats:
        """Counters for the metrics page."""
        return self.engine.stats()

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[RequestOutput, None]:
        """Yield what each of the n sequences gains, as it is made; closing it aborts them.

        Raises:
            InvalidRequestError: a prompt or limit that cannot be served.
            UnknownModelError: no such model or adapter.
            QueueFullError: too many requests wait.
            EngineStoppedError: the engine is stopping.
            StepFailedError: a step failed with this request in its batch.
        """
        if self._stopping or not self.is_healthy:
            raise EngineStoppedError("the engine takes no new work")
        if request.model is not None and request.model not in self.model_names:
            raise UnknownModelError(request.model, self.model_names)
        adapter = request.model if request.model in self.engine.loaded.loras else None
        sequences = make_requests(request, self.max_model_len, adapter)
        self._check_queue(len(sequences))
        if request.images:
            # Here for the same reason as grammars below: steps must not wait for the encoder.
            embeddings = await asyncio.to_thread(
                embed_images,
                request.images,
                request.prompt_token_ids,
                self.engine.loaded.vision,
            )
            for sequence in sequences:
                sequence.image_embeddings = embeddings
        if request.params.structured is not None:
            # Kept for the engine's thread, whose steps must not wait for a compiler.
            await asyncio.to_thread(compile_grammar, request.params.structured, self.tokenizer)
        mailbox = Mailbox()
        for sequence in sequences:
            self._mailboxes[sequence.request_id] = mailbox
        self._post(lambda: self._add_all(sequences))
        try:
            async for output in mailbox.outputs(len(sequences)):
                yield output
        finally:
            self._drop(sequences)

    def _check_queue(self, num_new: int) -> None:
        waiting = self.engine.scheduler.num_waiting + len(self._inbox)
        if waiting + num_new > self.config.max_waiting:
            raise QueueFullError(waiting, retry_after_seconds=1)

    def _drop(self, sequences: list[Request]) -> None:
        open_ids = [s.request_id for s in sequences if self._mailboxes.pop(s.request_id, None)]
        if open_ids:
            self._post(lambda: self._abort_all(open_ids))

    def _post(self, action: Callable[[], None]) -> None:
        with self._wake:
            self._inbox.append(action)
            self._wake.notify()

    def _abort_all(self, request_ids: list[str]) -> None:
        for request_id in request_ids:
            self.engine.abort(request_id)

    def _add_all(self, sequences: list[Request]) -> None:
        for sequence in sequences:
            if sequence.request_id not in self._mailboxes:
                continue
            try:
                self.engine.add_request(sequence)
            except Exception as error:
                if not isinstance(error, ServingError):
                    logger.exception("request %s was refused", sequence.request_id)
                    error = StepFailedError(f"{type(error).__name__}: {error}")
                self._refuse(sequence.request_id, error)

    def _loop(self) -> None:
        while True:
            with self._wake:
                while not (self._inbox or self._halt or self.engine.has_unfinished()):
                    self._wake.wait()
                if self._halt:
                    break
            while self._inbox:
                self._inbox.popleft()()
            # A GPU works while callers are served: they want this interpreter, and it does not.
            outputs = self.engine.step(meanwhile=self._deliver_outputs)
            self._outputs += outputs
            if not (self._is_on_gpu and self.engine.has_unfinished()):
                self._deliver_outputs()
        self._deliver_outputs()

    def _deliver_outputs(self) -> None:
        outputs, self._outputs = self._outputs, []
        put_all([(mailbox, each) for each in outputs if (mailbox := self._mailbox_of(each))])

    def _mailbox_of(self, output: RequestOutput) -> Mailbox | None:
        if output.finish_reason is None:
            return self._mailboxes.get(output.request_id)
        return self._mailboxes.pop(output.request_id, None)

    def _refuse(self, request_id: str, error: Exception) -> None:
        mailbox = self._mailboxes.pop(request_id, None)
        if mailbox is not None:
            mailbox.put(error)
