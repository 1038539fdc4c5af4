"""Starts instances as processes of this machine."""

import os
import subprocess
import sys
from collections.abc import Callable

from regard.serving.afd.address import host_for_instances
from regard.serving.afd.join_command import TOKEN_VARIABLE


class LocalLauncher:
    """`python -m regard afd join` for each place.

    The token goes through the environment, where other users cannot see it.
    """

    def __init__(self, address: tuple[str, int], token: Callable[[], str]) -> None:
        self._address, self._token = address, token

    def start(self, place: str) -> "subprocess.Popen[bytes]":
        """Start a place's holder."""
        host, port = self._address
        host = host_for_instances(host, own_host="127.0.0.1", has_other_hosts=False)
        command = [sys.executable, "-m", "regard", "afd", "join", f"{host}:{port}"]
        environment = {**os.environ, TOKEN_VARIABLE: self._token()}
        return subprocess.Popen(
            [*command, "--place", place],
            env=environment,
            stdin=subprocess.DEVNULL,
            # Ctrl-C is for the service, which then ends its instances in order.
            start_new_session=True,
        )

    def close(self) -> None:
        """Nothing is held."""
