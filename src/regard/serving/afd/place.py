"""One instance's place in the service, and who starts its holder."""

from dataclasses import dataclass
from typing import Protocol

from regard.serving.afd.channel import Channel
from regard.serving.afd.topology import Topology
from regard.serving.afd.trace import kind_and_number


class Process(Protocol):
    """An instance that this service started."""

    def poll(self) -> int | None:
        """Its exit status, None while it lives."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""
        ...


class Launcher(Protocol):
    """Starts instances; the holder of a place joins by its name."""

    def start(self, place: str) -> Process:
        """Start the instance for a place."""
        ...

    def close(self) -> None:
        """Give up what it holds; its processes have ended."""
        ...


@dataclass(eq=False)
class Place:
    """One instance's place in the service."""

    name: str
    """`attention0`, `ffn1` or `spare0`."""
    channel: Channel | None = None
    """To its holder, once it has joined."""
    process: Process | None = None
    """Its holder, if this service started it."""
    is_ready: bool = False
    """Whether it takes work."""
    address: tuple[str, int] | None = None
    """Where an FFN instance takes rows."""
    heard: float = 0.0
    """When something last came from it (monotonic clock)."""
    num_failed_starts: int = 0
    """Holders in a row that were lost before they took work."""
    problem: str | None = None
    """Why nobody is started for it any more."""
    said_bye: bool = False
    """Whether it has handed over everything and ends by itself."""

    @property
    def number(self) -> int:
        """Which of its kind."""
        return kind_and_number(self.name)[1]


def place_names(topology: Topology, num_spares: int) -> list[str]:
    """All places of a service."""
    counts = {"attention": topology.num_attention, "ffn": topology.num_ffn, "spare": num_spares}
    return [f"{kind}{number}" for kind, count in counts.items() for number in range(count)]
