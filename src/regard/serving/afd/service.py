"""Puts a disaggregated service together: where it listens, who starts its instances."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from regard.serving.afd.afd_engine import AfdEngine
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.join_command import TOKEN_VARIABLE
from regard.serving.afd.local_launcher import LocalLauncher
from regard.serving.afd.place import Launcher
from regard.serving.afd.ray_cluster import RayCluster
from regard.serving.afd.ray_launcher import RayLauncher, make_rooms
from regard.serving.afd.torchrun import TorchrunLauncher, meet, read_rank
from regard.serving.config import EngineConfig
from regard.serving.errors import InvalidRequestError
from regard.serving.server.lifecycle import bind
from regard.serving.threads import allowed_cpus


def make_service(config: EngineConfig, afd: AfdConfig) -> AfdEngine:
    """A service of the layout that the options ask for.

    Raises:
        InvalidRequestError: a layout that cannot be.
        ListenError: the address for instances is taken.
        UserError: who shall start the instances cannot.
    """
    host, colon, port = afd.afd_listen.rpartition(":")
    if not (colon and host and port.isdigit()):
        raise InvalidRequestError(
            f"--afd-listen {afd.afd_listen!r} is not of the form HOST:PORT", param="afd_listen"
        )
    token = os.environ.get(TOKEN_VARIABLE) or None
    waits = not (afd.afd_spawn or afd.torchrun or afd.ray)
    if waits and token is None:
        raise InvalidRequestError(
            f"with --no-afd-spawn set {TOKEN_VARIABLE} here and where instances join", param="afd"
        )
    config, afd = _started_elsewhere(config, afd)
    listener = bind(host, int(port))
    make_launcher = partial(_launcher, address=listener.getsockname()[:2])
    try:
        engine = AfdEngine(config, afd, listener=listener, make_launcher=make_launcher, token=token)
    except BaseException:
        listener.close()
        raise
    if waits:
        shown = ":".join(map(str, engine.coordinator.address))
        print(
            f"waiting for {len(engine.coordinator.places)} instances; on each machine: "
            f"{TOKEN_VARIABLE}=... regard afd join {shown}",
            file=sys.stderr,
        )
    return engine


def _started_elsewhere(config: EngineConfig, afd: AfdConfig) -> tuple[EngineConfig, AfdConfig]:
    """The options where torchrun or Ray starts instances: this machine is not all they have."""
    if afd.torchrun and afd.ray is not None:
        raise InvalidRequestError("--torchrun and --ray both start instances: choose one")
    if afd.torchrun:
        threads = max(1, allowed_cpus() // read_rank(os.environ).local_world_size)
    elif afd.ray is not None:
        threads = 1
    else:
        return config, afd
    config = replace(config, num_threads=config.num_threads or threads)
    return config, replace(afd, afd_spawn=False)


def _launcher(engine: AfdEngine, address: tuple[str, int]) -> Launcher | None:
    """What starts the instances."""

    def token() -> str:
        return engine.coordinator.token

    if engine.afd.torchrun:
        places = list(engine.plan.weight_bytes_by_place())
        rank = read_rank(os.environ)
        return TorchrunLauncher(rank, meet(), places=places, address=address, token=token)
    if engine.afd.ray is not None:
        return _ray_launcher(engine, engine.afd.ray, address, token)
    if engine.afd.afd_spawn:
        return LocalLauncher(address, token)
    return None


def _ray_launcher(
    engine: AfdEngine, ray: str, address: tuple[str, int], token: Callable[[], str]
) -> RayLauncher:
    cluster = RayCluster(ray)
    try:
        rooms = make_rooms(
            engine.plan.weight_bytes_by_place(),
            device=engine.config.device,
            num_cpus=engine.config.num_threads,
            num_free_gpus=cluster.num_free_gpus,
        )
        return RayLauncher(cluster, rooms, address=address, token=token)
    except BaseException:
        cluster.close()
        raise
