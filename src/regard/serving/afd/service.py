"""Puts a disaggregated service together: where it listens, who starts its instances."""

import os
import socket
import sys
from dataclasses import replace

from regard.serving.afd.afd_engine import AfdEngine
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.join_command import TOKEN_VARIABLE
from regard.serving.afd.local_launcher import LocalLauncher
from regard.serving.afd.place import Launcher, place_names
from regard.serving.afd.torchrun import Rank, TorchrunLauncher, meet, read_rank
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
    rank = read_rank(os.environ) if afd.torchrun else None
    if rank is not None:
        # The other ranks share this machine's cores with each other, not with all instances.
        threads = config.num_threads or max(1, allowed_cpus() // rank.local_world_size)
        config, afd = replace(config, num_threads=threads), replace(afd, afd_spawn=False)
    elif not afd.afd_spawn and token is None:
        raise InvalidRequestError(
            f"with --no-afd-spawn set {TOKEN_VARIABLE} here and where instances join", param="afd"
        )
    listener = bind(host, int(port))
    try:
        engine = AfdEngine(
            config,
            afd,
            listener=listener,
            make_launcher=lambda engine: _launcher(engine, listener, rank),
            token=token,
        )
    except BaseException:
        listener.close()
        raise
    if not afd.afd_spawn and rank is None:
        shown = ":".join(map(str, engine.coordinator.address))
        print(
            f"waiting for {len(engine.coordinator.places)} instances; on each machine: "
            f"{TOKEN_VARIABLE}=... regard afd join {shown}",
            file=sys.stderr,
        )
    return engine


def _launcher(engine: AfdEngine, listener: socket.socket, rank: Rank | None) -> Launcher | None:
    """What starts the instances."""
    host, port = listener.getsockname()[:2]
    address = (host, port)
    if rank is not None:
        return TorchrunLauncher(
            rank,
            meet(),
            places=place_names(engine.topology, engine.afd.spare_ffn),
            address=address,
            token=lambda: engine.coordinator.token,
        )
    if not engine.afd.afd_spawn:
        return None
    return LocalLauncher(address, lambda: engine.coordinator.token)
