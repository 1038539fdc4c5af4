"""Starts instances as actors of a Ray cluster, each in room of its own on one host."""

import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from regard.serving.afd.address import host_for_instances
from regard.serving.afd.join import join
from regard.serving.afd.ray_cluster import RayCluster, Room

if TYPE_CHECKING:
    from ray.util.placement_group import PlacementGroup

logger = logging.getLogger(__name__)

FAILED = 1


def make_rooms(
    weight_bytes: Mapping[str, int], *, device: str, num_cpus: int, num_free_gpus: int
) -> dict[str, Room]:
    """What each place needs of a host.

    Args:
        weight_bytes: of each place.
        device: `cpu`, `cuda`, or `auto`: a GPU each where the cluster has enough.
        num_cpus: cores each.
        num_free_gpus: of the cluster.
    """
    has_gpus = device != "cpu" and (device != "auto" or num_free_gpus >= len(weight_bytes))
    return {
        place: Room(num_cpus, int(has_gpus), 0 if has_gpus else nbytes)
        for place, nbytes in weight_bytes.items()
    }


class Instance:
    """What runs in an actor's process: that process is the instance."""

    def run(self, host: str, port: int, token: str, place: str, has_gpu: bool) -> int:
        """Join, and return the exit status when the service ends."""
        if not has_gpu:
            # Another instance may have reserved the GPU that can be seen from here.
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        return join(host, port, token=token, place=place)


class RayProcess:
    """An actor, seen as a process."""

    def __init__(self, ray: Any, actor: Any, status: Any, place: str) -> None:
        self._ray, self._actor, self._status, self._place = ray, actor, status, place

    def poll(self) -> int | None:
        """Its exit status; None while it lives, or waits for a host."""
        done, _ = self._ray.wait([self._status], timeout=0)
        return self._end() if done else None

    def kill(self) -> None:
        """End the actor and with it the process."""
        self._ray.kill(self._actor)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            TimeoutError: it still lives.
        """
        done, _ = self._ray.wait([self._status], timeout=timeout)
        if not done:
            raise TimeoutError(f"{self._place} still runs after {timeout:g} s")
        return self._end()

    def _end(self) -> int:
        try:
            return int(self._ray.get(self._status))
        except self._ray.exceptions.RayError as error:
            logger.debug("%s: %s", self._place, error)
            return FAILED
        finally:
            self.kill()


class RayLauncher:
    """`regard serve --ray ADDRESS`."""

    def __init__(
        self,
        cluster: RayCluster,
        rooms: Mapping[str, Room],
        *,
        address: tuple[str, int],
        token: Callable[[], str],
    ) -> None:
        """Keep room for all instances.

        Args:
            cluster: where they run.
            rooms: what each place needs.
            address: where instances join.
            token: the shared secret.

        Raises:
            UserError: not enough room, or an address that other hosts cannot reach.
        """
        self._port = address[1]
        self._host = host_for_instances(
            address[0], own_host=cluster.own_host, has_other_hosts=cluster.has_other_hosts
        )
        self._cluster, self._rooms, self._token = cluster, rooms, token
        self._groups = cluster.reserve(rooms)

    def start(self, place: str) -> RayProcess:
        """Start the actor for a place in the room that is kept for it."""
        room, ray = self._rooms[place], self._cluster.ray
        options = {
            "num_cpus": room.cpus,
            "num_gpus": room.gpus,
            "max_restarts": 0,
            "scheduling_strategy": _within(self._groups[place]),
        }
        actor = ray.remote(Instance).options(**options).remote()
        has_gpu = room.gpus > 0
        status = actor.run.remote(self._host, self._port, self._token(), place, has_gpu)
        return RayProcess(ray, actor, status, place)

    def close(self) -> None:
        """Give the room back and leave the cluster."""
        self._cluster.release(self._groups.values())
        self._cluster.close()


def _within(group: "PlacementGroup") -> Any:
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    return PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=0)
