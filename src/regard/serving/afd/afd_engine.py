"""The whole disaggregated service behind the interface of one engine."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Callable
from dataclasses import asdict, replace
from typing import Any

from regard.serving.afd.assignment import Assignment
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.coordinator import Coordinator
from regard.serving.afd.ffn_directory import FfnDirectory
from regard.serving.afd.messages import (
    config_to_json,
    outputs_from_json,
    request_to_json,
    stats_from_json,
    sum_of,
)
from regard.serving.afd.place import Launcher, Place, place_names
from regard.serving.afd.ticket import Ticket
from regard.serving.afd.trace import kind_and_number
from regard.serving.afd.trace_collector import TraceCollector
from regard.serving.config import EngineConfig
from regard.serving.delivery import Mailbox
from regard.serving.errors import (
    EngineStoppedError,
    InstanceLostError,
    InvalidRequestError,
    QueueFullError,
    UnknownModelError,
)
from regard.serving.intake import make_requests
from regard.serving.models.loader import context_length
from regard.serving.models.vision.picture_tokens import PictureTokens, find_picture_tokens
from regard.serving.outputs import EngineStats, GenerationRequest, RequestOutput
from regard.serving.structured import compile_grammar
from regard.serving.threads import allowed_cpus
from regard.serving.tokenizer import Tokenizer


class AfdEngine:
    """Gives requests to attention instances, and takes them elsewhere when one is lost.

    It holds no weights: only the tokenizer and the model's configuration.
    """

    def __init__(
        self,
        config: EngineConfig,
        afd: AfdConfig,
        *,
        listener: socket.socket,
        make_launcher: Callable[["AfdEngine"], Launcher | None],
        token: str | None = None,
    ) -> None:
        """Check the options and prepare; `start` begins.

        Args:
            config: of each attention instance's engine; FFN instances take the model from it.
            afd: the layout.
            listener: where instances join; bound.
            make_launcher: who starts instances; None is nobody.
            token: the shared secret; None makes one.

        Raises:
            WeightsError: the model's files cannot be used.
            InvalidRequestError: a layout that cannot be.
        """
        if config.loras:
            raise InvalidRequestError(
                "LoRA adapters change both halves of a layer and are not served with --afd yet",
                param="lora",
            )
        self.config, self.afd = config, afd
        self.plan = plan = Assignment("attention", 0, config, afd, "", may_spin=False)
        plan.check()
        self._opened = plan.opened
        self._picture_tokens = find_picture_tokens(
            plan.opened.config, plan.opened.tokenizer, config.model
        )
        self.max_model_len = context_length(config, plan.opened.config)
        self._tickets: dict[str, Ticket] = {}
        self._stats: dict[str, EngineStats] = {}
        self._lock = threading.RLock()
        self._is_stopping = False
        self._ffns = FfnDirectory(self.plan.topology.num_ffn)
        self._trace = TraceCollector(
            self.plan.topology,
            num_layers=plan.opened.config.num_layers,
            num_microbatches=afd.microbatches,
        )
        self.coordinator = Coordinator(
            listener,
            token=token,
            places=place_names(self.plan.topology, afd.spare_ffn),
            assignment=self._assignment,
            launcher=make_launcher(self),
            on_message=self._on_message,
            on_ready=self._on_ready,
            on_lost=self._on_lost,
        )

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self._opened.tokenizer

    @property
    def picture_tokens(self) -> PictureTokens | None:
        """What stands for pictures in a prompt; None where the model takes text only."""
        return self._picture_tokens

    @property
    def model_names(self) -> tuple[str, ...]:
        """The served name."""
        return (self.config.served_model_name or self._opened.name,)

    @property
    def is_healthy(self) -> bool:
        """Whether a request could be served now."""
        return bool(self.coordinator.ready("attention")) and self._ffns.is_complete

    @property
    def is_stopping(self) -> bool:
        """Whether new work is refused."""
        return self._is_stopping

    async def start(self) -> None:
        """Start the instances and wait until all take work.

        Raises:
            UserError: one of them cannot do its part.
        """
        self.coordinator.start()
        try:
            await asyncio.to_thread(self.coordinator.wait_until_ready)
        except BaseException:
            await asyncio.to_thread(self.coordinator.stop)
            raise

    async def stop(self, grace_seconds: float) -> None:
        """Refuse new work, let what runs finish within the grace time, then end all instances."""
        self._is_stopping = True
        deadline = asyncio.get_running_loop().time() + grace_seconds
        while self._tickets and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(self.coordinator.stop)
        for ticket in list(self._tickets.values()):
            ticket.mailbox.put(EngineStoppedError("the server stopped"))
        if self.afd.trace is not None:
            notes = f"{self._opened.name}, mode {self.config.mode}"
            await asyncio.to_thread(self._trace.write, self.afd.trace, notes)

    def stats(self) -> EngineStats:
        """What is under way as of now; other counters as of all instances' last heartbeats."""
        total, under_way = sum_of(list(self._stats.values())), len(self._tickets)
        waiting = min(total.num_waiting, under_way)
        return replace(total, num_running=under_way - waiting, num_waiting=waiting)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[RequestOutput, None]:
        """Yield what each of the n sequences gains; see `AsyncEngine.generate` for errors.

        Raises:
            InstanceLostError: an instance is gone and no other takes its place.
        """
        if self._is_stopping:
            raise EngineStoppedError("the engine takes no new work")
        if request.model is not None and request.model not in self.model_names:
            raise UnknownModelError(request.model, self.model_names)
        sequences = make_requests(request, self.max_model_len, None)
        room = self.plan.topology.num_attention * self.config.max_num_seqs + self.config.max_waiting
        if len(self._tickets) + len(sequences) > room:
            raise QueueFullError(len(self._tickets), retry_after_seconds=1)
        if request.params.structured is not None:
            await asyncio.to_thread(compile_grammar, request.params.structured, self.tokenizer)
        mailbox = Mailbox()
        try:
            for sequence in sequences:
                self._submit(Ticket(sequence, mailbox))
            async for output in mailbox.outputs(len(sequences)):
                yield output
        finally:
            for sequence in sequences:
                self._drop(sequence.request_id)

    def _submit(self, ticket: Ticket) -> None:
        """Give a request to the attention instance with the fewest."""
        request_id = ticket.request.request_id
        data = request_to_json(ticket.request)
        while True:
            with self._lock:
                ready = self.coordinator.ready("attention")
                if not ready:
                    self._tickets.pop(request_id, None)
                    raise InstanceLostError("no attention instance is up: ask again later")
                load = [ticket.place for ticket in self._tickets.values()]
                place = min(ready, key=lambda each: load.count(each.name))
                ticket.place = place.name
                self._tickets[request_id] = ticket
            if self.coordinator.send(place, "submit", request=data):
                return
            place.is_ready = False

    def _drop(self, request_id: str) -> None:
        with self._lock:
            ticket = self._tickets.pop(request_id, None)
        if ticket is not None and ticket.place:
            place = self.coordinator.places[ticket.place]
            self.coordinator.send(place, "abort", request_id=request_id)

    def _on_message(self, place: Place, message: dict[str, Any]) -> None:
        match message["kind"]:
            case "outputs":
                for output in outputs_from_json(message["outputs"]):
                    self._take_output(place, output)
            case "refused":
                with self._lock:
                    ticket = self._tickets.pop(message["request_id"], None)
                if ticket is not None:
                    ticket.mailbox.put(
                        InvalidRequestError(message["message"], param=message["param"])
                    )
            case "alive" if "stats" in message:
                self._stats[place.name] = stats_from_json(message["stats"])
            case "clock" | "spans":
                self._trace.take(place.name, message)

    def _take_output(self, place: Place, output: RequestOutput) -> None:
        with self._lock:
            ticket = self._tickets.get(output.request_id)
            if ticket is None or ticket.place != place.name:
                return
            ticket.request.output_token_ids.extend(output.token_ids)
            if output.finish_reason is not None:
                del self._tickets[output.request_id]
        ticket.mailbox.put(output)

    def _on_ready(self, place: Place) -> None:
        if self.afd.trace is not None:
            self._trace.ask_for_the_time(lambda **fields: self.coordinator.send(place, **fields))
        if place.name.startswith("attention"):
            for ffn, entry in self._ffns.entries():
                self.coordinator.send(place, "ffn_address", ffn=ffn, **entry)
        elif place.name.startswith("ffn") and place.address is not None:
            entry = self._ffns.put(place.number, place.address)
            for attention in self.coordinator.ready("attention"):
                self.coordinator.send(attention, "ffn_address", ffn=place.number, **entry)

    def _on_lost(self, place: Place, reason: str) -> None:
        if place.name.startswith("attention"):
            self._stats.pop(place.name, None)
            self._move_requests(place)
        elif place.name.startswith("ffn"):
            self._ffns.remove(place.number)
            for spare in self.coordinator.ready("spare"):
                if spare.number % self.plan.topology.num_ffn == place.number:
                    self.coordinator.promote(spare, place)
                    return

    def _move_requests(self, place: Place) -> None:
        with self._lock:
            moving = [each for each in self._tickets.values() if each.place == place.name]
        for ticket in moving:
            try:
                self._submit(ticket)
            except InstanceLostError:
                ticket.mailbox.put(
                    InstanceLostError(
                        f"attention instance {place.number} is gone with this request's cache, "
                        "and there is no other: ask again later"
                    )
                )

    def _assignment(self, name: str) -> dict[str, Any]:
        """What the holder of a place is told."""
        kind, number = kind_and_number(name)
        cores = allowed_cpus()
        instances = self.plan.topology.num_attention + self.plan.topology.num_ffn
        threads = self.config.num_threads
        if self.afd.afd_spawn:
            threads = threads or max(1, cores // instances)
        afd = {**asdict(self.afd), "trace": None if self.afd.trace is None else "yes"}
        return {
            "role": "attention" if kind == "attention" else "ffn",
            "index": number % self.plan.topology.num_ffn if kind == "spare" else number,
            "engine": config_to_json(replace(self.config, num_threads=threads)),
            "afd": afd,
            "may_spin": instances <= cores,
        }
