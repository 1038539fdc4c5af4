"""Two hosts with a cable between them, made of network namespaces."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Host:
    namespace: str
    address: str

    def command(self, *arguments: str) -> list[str]:
        """What runs a command there."""
        return ["ip", "netns", "exec", self.namespace, *arguments]

    def process_ids(self) -> list[int]:
        """All processes there."""
        return [int(line) for line in _ip("netns", "pids", self.namespace).splitlines()]

    def num_bytes_sent(self) -> int:
        """What has gone over its end of the cable."""
        shown = _ip("-n", self.namespace, "-json", "-statistics", "link", "show", "eth0")
        return int(json.loads(shown)[0]["stats64"]["tx"]["bytes"])


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Neither reaches anything but the other; at the end nothing of them is left.

    Skips the test where namespaces are not allowed.
    """
    if shutil.which("ip") is None:
        pytest.skip("there is no command `ip` (Debian package iproute2)")
    one = Host(f"regard{os.getpid()}a", "10.213.77.1")
    two = Host(f"regard{os.getpid()}b", "10.213.77.2")
    try:
        try:
            _make(one, two)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces are not allowed here: {error.stderr.strip()}")
        yield one, two
    finally:
        for host in (one, two):
            _remove(host)


def _make(one: Host, two: Host) -> None:
    for host in (one, two):
        _ip("netns", "add", host.namespace)
    peer = ["peer", "name", "eth0", "netns", two.namespace]
    _ip("link", "add", "eth0", "netns", one.namespace, "type", "veth", *peer)
    for host in (one, two):
        _ip("-n", host.namespace, "address", "add", f"{host.address}/30", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", host.namespace, "link", "set", device, "up")


def _remove(host: Host) -> None:
    if host.namespace not in _ip("netns", "list").split():
        return
    for process_id in host.process_ids():
        os.kill(process_id, signal.SIGKILL)
    _ip("netns", "delete", host.namespace)


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)
    return done.stdout
