"""Who is in the service: gives out places, watches over their holders, replaces the lost."""

import contextlib
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from regard.common.errors import UserError
from regard.serving.afd.channel import Channel
from regard.serving.afd.handshake import HandshakeError, answer, greet_callers
from regard.serving.afd.place import Launcher, Place, Process

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 1.5
WATCH_SECONDS = 0.05
STOP_SECONDS = 10.0
MAX_FAILED_STARTS = 3


class Coordinator:
    """Listens for instances and keeps every place held.

    Callbacks come from its own threads, one at a time for each place.
    """

    def __init__(
        self,
        listener: socket.socket,
        *,
        token: str | None,
        places: list[str],
        assignment: Callable[[str], Mapping[str, Any]],
        launcher: Launcher | None,
        on_message: Callable[[Place, dict[str, Any]], None],
        on_ready: Callable[[Place], None],
        on_lost: Callable[[Place, str], None],
    ) -> None:
        """Prepare; `start` begins.

        Args:
            listener: a bound socket.
            token: the shared secret; None makes one.
            places: names of all places.
            assignment: what to tell the holder of a place.
            launcher: starts holders; None waits for some to join.
            on_message: an instance's message that is not about membership.
            on_ready: an instance takes work.
            on_lost: it is gone; the reason in words.
        """
        self.token = token or secrets.token_hex(32)
        self.places = {name: Place(name) for name in places}
        self._listener = listener
        self._assignment, self._launcher = assignment, launcher
        self._on_message, self._on_ready, self._on_lost = on_message, on_ready, on_lost
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._stopping = False

    @property
    def address(self) -> tuple[str, int]:
        """Where instances join."""
        host, port = self._listener.getsockname()[:2]
        return host, port

    def start(self) -> None:
        """Listen, start the instances and watch over them."""
        self._listener.listen()
        greet_callers(self._listener, self._greet)
        threading.Thread(target=self._watch, name="watch", daemon=True).start()
        for place in self.places.values():
            self._start_holder(place)

    def wait_until_ready(self, timeout_seconds: float | None = None) -> None:
        """Wait for every place to take work.

        Raises:
            UserError: an instance cannot do its part, or the time is over.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        with self._changed:
            while waiting := [p for p in self.places.values() if not p.is_ready]:
                for place in waiting:
                    if place.problem is not None:
                        raise UserError(f"{place.name}: {place.problem}")
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    names = ", ".join(place.name for place in waiting)
                    raise UserError(f"not ready after {timeout_seconds:g} s: {names}")
                self._changed.wait(0.2 if left is None else min(left, 0.2))

    def ready(self, prefix: str) -> list[Place]:
        """The places of a kind that take work."""
        with self._lock:
            return [p for p in self.places.values() if p.is_ready and p.name.startswith(prefix)]

    def send(self, place: Place, kind: str, **fields: Any) -> bool:
        """Send to a place's holder; False where it is gone."""
        channel = place.channel
        if channel is None:
            return False
        try:
            channel.send(kind, **fields)
        except OSError:
            return False
        return True

    def promote(self, spare: Place, place: Place) -> None:
        """Let a spare's holder take a lost one's place; another spare is started."""
        with self._changed:
            place.channel, place.process = spare.channel, spare.process
            place.address, place.heard = spare.address, time.monotonic()
            place.is_ready = True
            spare.channel, spare.process, spare.address = None, None, None
            spare.is_ready = False
            self._changed.notify_all()
        self._start_holder(spare)
        self._on_ready(place)

    def stop(self) -> None:
        """End all instances; whoever does not end by itself is killed."""
        with self._lock:
            self._stopping = True
        for place in self.places.values():
            self.send(place, "stop")
        deadline = time.monotonic() + STOP_SECONDS
        with self._changed:
            while time.monotonic() < deadline and any(
                place.channel is not None and not place.said_bye for place in self.places.values()
            ):
                self._changed.wait(0.1)
        for place in self.places.values():
            if place.process is not None:
                _end(place.process, max(0.1, deadline - time.monotonic()))
            if place.channel is not None:
                place.channel.close()
        if self._launcher is not None:
            self._launcher.close()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _start_holder(self, place: Place) -> None:
        if self._launcher is None:
            return
        with self._lock:
            if self._stopping:
                return
            if place.num_failed_starts >= MAX_FAILED_STARTS:
                place.problem = f"{place.num_failed_starts} starts failed one after the other"
                logger.error("%s: %s; it is not started again", place.name, place.problem)
                self._changed.notify_all()
                return
            place.heard = time.monotonic()
            place.process = self._launcher.start(place.name)

    def _greet(self, connection: socket.socket) -> None:
        try:
            hello = answer(connection, self.token, {"purpose": "control"})
            place = self._take_place(hello.get("place"), Channel(connection))
        except (OSError, UserError) as error:
            logger.warning("an instance was turned away: %s", error)
            connection.close()
            return
        self._serve(place)

    def _take_place(self, wanted: str | None, channel: Channel) -> Place:
        with self._lock:
            free = [place for place in self.places.values() if place.channel is None]
            if wanted is not None:
                free = [place for place in free if place.name == wanted]
            if not free or self._stopping:
                with contextlib.suppress(OSError):
                    channel.send("refused", reason=f"no place {wanted or ''} is free")
                raise HandshakeError(f"it wants place {wanted or 'any'}, and that is not free")
            place = free[0]
            place.channel, place.heard, place.said_bye = channel, time.monotonic(), False
        channel.send("assignment", place=place.name, **self._assignment(place.name))
        return place

    def _serve(self, first: Place) -> None:
        """Read one instance's messages, whichever place it holds by then."""
        channel = first.channel
        assert channel is not None
        while True:
            try:
                message = channel.receive()
            except (OSError, HandshakeError) as error:
                place = self._holder_of(channel)
                if place is not None:
                    self._lose(place, channel, str(error))
                return
            place = self._holder_of(channel)
            if place is None:
                return
            place.heard = time.monotonic()
            self._take(place, message)

    def _take(self, place: Place, message: dict[str, Any]) -> None:
        match message["kind"]:
            case "ready":
                with self._changed:
                    address = message.get("address")
                    place.address = None if address is None else (address[0], address[1])
                    place.is_ready = True
                    self._changed.notify_all()
                self._on_ready(place)
            case "failed":
                with self._changed:
                    place.problem = message["message"]
                    self._changed.notify_all()
            case "bye":
                with self._changed:
                    place.said_bye = True
                    self._changed.notify_all()
            case _:
                self._on_message(place, message)

    def _holder_of(self, channel: Channel) -> Place | None:
        with self._lock:
            return next((p for p in self.places.values() if p.channel is channel), None)

    def _lose(self, place: Place, channel: Channel | None, reason: str) -> None:
        with self._changed:
            if self._stopping or place.channel is not channel:
                place.said_bye = True
                self._changed.notify_all()
                return
            process = place.process
            place.num_failed_starts = 0 if place.is_ready else place.num_failed_starts + 1
            place.channel, place.process, place.is_ready = None, None, False
        if channel is not None:
            channel.close()
        if process is not None:
            _end(process, 0.0)
        logger.warning("%s is gone: %s", place.name, reason)
        self._on_lost(place, reason)
        if not place.is_ready and place.problem is None:
            self._start_holder(place)

    def _watch(self) -> None:
        while not self._stopping:
            now = time.monotonic()
            for place in list(self.places.values()):
                process, channel = place.process, place.channel
                if process is not None and (status := process.poll()) is not None:
                    self._lose(place, channel, f"its process ended with status {status}")
                elif place.is_ready and now - place.heard > SILENCE_SECONDS:
                    self._lose(place, channel, f"silent for {now - place.heard:.1f} s")
            time.sleep(WATCH_SECONDS)


def _end(process: Process, patience_seconds: float) -> None:
    """Wait for a process to end, then end it."""
    with contextlib.suppress(Exception):
        process.wait(timeout=patience_seconds or 0.001)
        return
    process.kill()
    with contextlib.suppress(Exception):
        process.wait(timeout=STOP_SECONDS)
