"""Puts a disaggregated service together: where it listens, who starts its instances."""

import os
import sys

from regard.serving.afd.afd_engine import AfdEngine
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.join_command import TOKEN_VARIABLE
from regard.serving.afd.local_launcher import LocalLauncher
from regard.serving.afd.place import Launcher
from regard.serving.config import EngineConfig
from regard.serving.errors import InvalidRequestError
from regard.serving.server.lifecycle import bind


def make_service(config: EngineConfig, afd: AfdConfig) -> AfdEngine:
    """A service of the layout that the options ask for.

    Raises:
        InvalidRequestError: a layout that cannot be.
        ListenError: the address for instances is taken.
    """
    host, colon, port = afd.afd_listen.rpartition(":")
    if not (colon and host and port.isdigit()):
        raise InvalidRequestError(
            f"--afd-listen {afd.afd_listen!r} is not of the form HOST:PORT", param="afd_listen"
        )
    token = os.environ.get(TOKEN_VARIABLE) or None
    if not afd.afd_spawn and token is None:
        raise InvalidRequestError(
            f"with --no-afd-spawn set {TOKEN_VARIABLE} here and where instances join", param="afd"
        )
    listener = bind(host, int(port))
    try:
        engine = AfdEngine(config, afd, listener=listener, make_launcher=_launcher, token=token)
    except BaseException:
        listener.close()
        raise
    if not afd.afd_spawn:
        shown = ":".join(map(str, engine.coordinator.address))
        print(
            f"waiting for {len(engine.coordinator.places)} instances; on each machine: "
            f"{TOKEN_VARIABLE}=... regard afd join {shown}",
            file=sys.stderr,
        )
    return engine


def _launcher(engine: AfdEngine) -> Launcher | None:
    """What starts the instances."""
    if not engine.afd.afd_spawn:
        return None
    return LocalLauncher(lambda: engine.coordinator.address, lambda: engine.coordinator.token)
