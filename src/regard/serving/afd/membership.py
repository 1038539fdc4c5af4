"""An instance's side of the control channel."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from regard.serving.afd.channel import Channel
from regard.serving.afd.handshake import HandshakeError
from regard.serving.afd.trace import Recorder

HEARTBEAT_SECONDS = 0.25
SPANS_A_MESSAGE = 20_000


class Membership:
    """Says that the instance lives, and hears what it shall do.

    When the coordinator is gone the instance stops: none outlives its service.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._stopping = threading.Event()
        self.inbox: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.on_message: Callable[[dict[str, Any]], bool] = lambda message: False
        self.status: Callable[[], dict[str, Any]] = dict
        for target in (self._receive, self._beat):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()

    @property
    def own_host(self) -> str:
        """The address under which the coordinator reaches this host."""
        return self._channel.own_host

    @property
    def is_stopping(self) -> bool:
        """Whether the instance shall end."""
        return self._stopping.is_set()

    def ready(self, **fields: Any) -> None:
        """Tell the coordinator that work can come."""
        self.send("ready", **fields)

    def send(self, kind: str, **fields: Any) -> None:
        """Send a message; a coordinator that is gone ends the instance."""
        try:
            self._channel.send(kind, **fields)
        except OSError:
            self._stop()

    def hand_over(self, recorder: Recorder | None) -> None:
        """Send the recorded spans, the last thing before the end."""
        if recorder is not None:
            spans = [list(span) for span in recorder.spans()]
            for start in range(0, len(spans), SPANS_A_MESSAGE):
                part = spans[start : start + SPANS_A_MESSAGE]
                dropped = recorder.num_dropped_steps if start == 0 else 0
                self.send("spans", spans=part, num_dropped_steps=dropped)
        self.send("bye")

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def _receive(self) -> None:
        while True:
            try:
                message = self._channel.receive()
            except (OSError, HandshakeError):
                self._stop()
                return
            if message["kind"] == "stop":
                self._stop()
            elif message["kind"] == "clock":
                self.send("clock", asked=message["asked"], answered=time.perf_counter_ns())
            elif not self.on_message(message):
                self.inbox.put(message)

    def _beat(self) -> None:
        while not self._stopping.wait(HEARTBEAT_SECONDS):
            self.send("alive", **self.status())

    def _stop(self) -> None:
        self._stopping.set()
        self.inbox.put({"kind": "stop"})
