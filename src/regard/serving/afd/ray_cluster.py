"""A Ray cluster, and the room in it that is kept for instances."""

import importlib
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from regard.common.errors import UserError

if TYPE_CHECKING:
    from ray.util.placement_group import PlacementGroup

CONNECT_SECONDS = 5.0
RESERVE_SECONDS = 30.0


@dataclass(frozen=True)
class Room:
    """What one instance needs of a host."""

    cpus: int
    """Cores."""
    gpus: int
    """0 or 1."""
    memory_nbytes: int
    """Main memory for weights; 0 where they lie on a GPU."""

    @property
    def bundle(self) -> dict[str, float]:
        """As Ray counts it."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory_nbytes}
        return {name: float(amount) for name, amount in wanted.items() if amount}


class RayCluster:
    """A connection to a running cluster."""

    def __init__(self, address: str) -> None:
        """Connect; a process that is connected already keeps its connection.

        Args:
            address: HOST:PORT of the cluster's head, or `auto` for the one that this machine is in.

        Raises:
            UserError: Ray is not installed, or no cluster answers.
        """
        self.ray = _import_ray()
        self._is_own = not self.ray.is_initialized()
        if self._is_own:
            _check_port(address)
            self._connect(address)

    @property
    def own_host(self) -> str:
        """The address under which the cluster knows this machine."""
        return str(self.ray.util.get_node_ip_address())

    @property
    def has_other_hosts(self) -> bool:
        """Whether instances could run on other machines."""
        hosts = {node["NodeManagerAddress"] for node in self.ray.nodes() if node["Alive"]}
        return hosts != {self.own_host}

    @property
    def num_free_gpus(self) -> int:
        """GPUs that nobody has reserved."""
        return int(self.ray.available_resources().get("GPU", 0))

    def reserve(self, rooms: Mapping[str, Room]) -> "dict[str, PlacementGroup]":
        """Room for each instance, each on one host.

        Raises:
            UserError: there is not enough; the message has the sums.
        """
        free = self.ray.available_resources()
        create = self.ray.util.placement_group
        groups = {
            place: create([room.bundle], strategy="STRICT_PACK") for place, room in rooms.items()
        }
        pending = [group.ready() for group in groups.values()]
        _, missing = self.ray.wait(
            pending, num_returns=len(pending), timeout=RESERVE_SECONDS, fetch_local=False
        )
        if missing:
            homeless = [
                name for name, ready in zip(groups, pending, strict=True) if ready in missing
            ]
            self.release(groups.values())
            raise UserError(
                f"the Ray cluster has no host with room for {', '.join(homeless)}: "
                f"{len(rooms)} in all need {_total(rooms)}; free: {_shown(free)}"
            )
        return groups

    def release(self, groups: "Iterable[PlacementGroup]") -> None:
        """Give room back."""
        for group in groups:
            self.ray.util.remove_placement_group(group)

    def close(self) -> None:
        """Disconnect, unless somebody else connected."""
        if self._is_own:
            self.ray.shutdown()

    def _connect(self, address: str) -> None:
        try:
            self.ray.init(address=address, logging_level="ERROR")
        # Ray ends the process where it cannot reach the head.
        except (Exception, SystemExit) as error:
            mend = "start one with `ray start --head`, and run this on one of its machines"
            if "InvalidAuthToken" in str(error.__cause__):
                mend = "set RAY_AUTH_MODE and RAY_AUTH_TOKEN as the cluster has them"
            raise UserError(f"no Ray cluster answers at {address}: {error}; {mend}") from error


def _import_ray() -> ModuleType:
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise UserError(
            "--ray needs Ray, which is not installed: pip install -e '.[ray]'"
        ) from error


def _check_port(address: str) -> None:
    """Ray itself would try for more than a minute."""
    host, colon, port = address.rpartition(":")
    if not colon or "/" in address or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"no Ray cluster answers at {address}: {error}; start one with `ray start --head`"
        ) from error


def _total(rooms: Mapping[str, Room]) -> str:
    total: dict[str, float] = {}
    for room in rooms.values():
        for name, amount in room.bundle.items():
            total[name] = total.get(name, 0.0) + amount
    return _shown(total)


def _shown(resources: Mapping[str, float]) -> str:
    units = {"CPU": "CPUs", "GPU": "GPUs", "memory": "GB of memory"}
    scale = {"memory": 1e-9}
    return ", ".join(
        f"{resources.get(name, 0.0) * scale.get(name, 1.0):.3g} {unit}"
        for name, unit in units.items()
    )
