"""`regard afd join`."""

import argparse
import os
import signal
from collections.abc import Sequence

from regard.common.errors import UserError

TOKEN_VARIABLE = "REGARD_AFD_TOKEN"
DEFAULT_WAIT_SECONDS = 30.0


def main(argv: Sequence[str]) -> int:
    """Run one instance of a service that runs here or on another machine.

    Raises:
        UserError: no token, no such address, or the service refuses.
    """
    parser = argparse.ArgumentParser(
        prog="regard afd join",
        description="Become an attention or FFN instance of a running `regard serve --afd`. The "
        f"service's token is read from the environment variable {TOKEN_VARIABLE}.",
        epilog=f"example: {TOKEN_VARIABLE}=... regard afd join 192.168.0.10:29600",
    )
    parser.add_argument("address", metavar="HOST:PORT", help="where the service listens")
    parser.add_argument("--place", help="attention0, ffn1, ...; by default the first free one")
    parser.add_argument(
        "--wait",
        type=float,
        default=DEFAULT_WAIT_SECONDS,
        metavar="SECONDS",
        help="how long to try while nobody listens there (%(default)g)",
    )
    arguments = parser.parse_args(argv)
    host, colon, port = arguments.address.rpartition(":")
    if not (colon and host and port.isdigit()):
        parser.error(f"{arguments.address!r} is not of the form HOST:PORT")
    token = os.environ.pop(TOKEN_VARIABLE, "")
    if not token:
        raise UserError(
            f"the environment variable {TOKEN_VARIABLE} is not set: the service prints how to join"
        )
    # What follows loads torch, which --help and a wrong flag need not wait for.
    from regard.serving.afd.join import join

    # The service says when to stop; a Ctrl-C in its terminal is meant for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return join(host, int(port), token=token, place=arguments.place, wait_seconds=arguments.wait)
