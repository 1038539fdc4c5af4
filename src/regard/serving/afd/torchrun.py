"""Instances as ranks of torchrun: rank 0 is the service, every other rank one instance.

torchrun brings the machines together and ends all ranks when one fails, so a lost instance ends the
service. The address and the token go through torchrun's store, which asks nobody who they are.
"""

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from regard.common.errors import UserError
from regard.serving.afd.address import host_for_instances
from regard.serving.afd.join import join
from regard.serving.afd.join_command import TOKEN_VARIABLE

MEETING_SECONDS = 300.0
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Rank:
    """Which of torchrun's processes this is."""

    number: int
    """0 is the service."""
    world_size: int
    """Processes on all machines."""
    local_world_size: int
    """Processes on this one."""
    master_host: str
    """An address of the machine with rank 0."""

    @property
    def has_other_hosts(self) -> bool:
        """Whether some ranks run on other machines."""
        return self.local_world_size < self.world_size


def read_rank(environment: Mapping[str, str]) -> Rank:
    """The rank that torchrun gave this process.

    Raises:
        UserError: torchrun did not start it.
    """
    missing = [name for name in VARIABLES if not environment.get(name)]
    if missing:
        raise UserError(
            f"--torchrun, and {', '.join(missing)} not set: start with torchrun --nproc-per-node N "
            "-m regard serve ..., where N is the number of instances and one more"
        )
    return Rank(
        number=int(environment["RANK"]),
        world_size=int(environment["WORLD_SIZE"]),
        local_world_size=int(environment["LOCAL_WORLD_SIZE"]),
        master_host=environment["MASTER_ADDR"],
    )


def meet() -> Store:
    """The store of all ranks.

    Raises:
        UserError: they do not come together.
    """
    try:
        store, _, _ = next(rendezvous("env://", timeout=timedelta(seconds=MEETING_SECONDS)))
    except (RuntimeError, ValueError) as error:
        raise UserError(f"torchrun's ranks do not come together: {error}") from error
    assert isinstance(store, Store)
    return store


class RankProcess:
    """A rank that torchrun started, watches and ends."""

    def poll(self) -> int | None:
        """Never an exit status: torchrun ends all ranks when one fails."""
        return None

    def kill(self) -> None:
        """Leave it to torchrun."""

    def wait(self, timeout: float | None = None) -> int:
        """It ends by itself when told to, or when the service is gone."""
        return 0


class TorchrunLauncher:
    """Tells waiting ranks where to join and what to be."""

    def __init__(
        self,
        rank: Rank,
        store: Store,
        *,
        places: Sequence[str],
        address: tuple[str, int],
        token: Callable[[], str],
    ) -> None:
        """Check that everybody can be told.

        Args:
            rank: of this process, 0.
            store: of all ranks.
            places: all places, in the order of the ranks from 1.
            address: where instances join.
            token: the shared secret; it stays out of the store where the environment has one.

        Raises:
            UserError: another number of ranks, or an address that other machines cannot reach.
        """
        if rank.world_size != len(places) + 1:
            raise UserError(
                f"{', '.join(places)} and the service need {len(places) + 1} ranks; torchrun "
                f"started {rank.world_size} (--nnodes, --nproc-per-node)"
            )
        self._port = address[1]
        self._host = host_for_instances(
            address[0], own_host=rank.master_host, has_other_hosts=rank.has_other_hosts
        )
        self._store, self._places, self._token = store, list(places), token

    def start(self, place: str) -> RankProcess:
        """Let a place's rank join."""
        message = {
            "host": self._host,
            "port": self._port,
            "place": place,
            "token": None if os.environ.get(TOKEN_VARIABLE) else self._token(),
        }
        self._store.set(_key(self._places.index(place) + 1), json.dumps(message))
        return RankProcess()

    def close(self) -> None:
        """The store is torchrun's."""


def become_instance(rank: Rank) -> int:
    """Wait for the service's word, be that instance, and return when the service ends.

    Raises:
        UserError: the ranks do not come together, or the service refuses.
    """
    store = meet()
    try:
        store.wait([_key(rank.number)], timedelta(seconds=MEETING_SECONDS))
    except RuntimeError as error:
        raise UserError(f"rank 0 said nothing within {MEETING_SECONDS:g} s: {error}") from error
    message = json.loads(store.get(_key(rank.number)))
    token = os.environ.pop(TOKEN_VARIABLE, "") or message["token"]
    if not token:
        raise UserError(f"{TOKEN_VARIABLE} is set for rank 0 and not for rank {rank.number}")
    # torchrun sends them to all ranks at once; the service says when its instances may stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return join(message["host"], message["port"], token=token, place=message["place"])


def _key(rank: int) -> str:
    return f"regard/afd/{rank}"
