"""`regard afd join`: becomes an instance of a service that runs somewhere."""

import socket
import sys
import time

import torch

from regard.common.errors import UserError
from regard.serving.afd import attention_instance, ffn_instance
from regard.serving.afd.assignment import Assignment
from regard.serving.afd.channel import Channel
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.handshake import HandshakeError, call
from regard.serving.afd.membership import Membership
from regard.serving.afd.messages import config_from_json
from regard.serving.errors import ServingError
from regard.serving.threads import default_num_threads

RETRY_SECONDS = 0.5


def join(
    host: str, port: int, *, token: str, place: str | None = None, wait_seconds: float = 30.0
) -> int:
    """Ask for a place, be what the coordinator says, and return when it ends the service.

    Args:
        host: of the coordinator.
        port: of the coordinator.
        token: the shared secret.
        place: a place's name, `attention0` or `ffn1`; None takes the first free one.
        wait_seconds: how long to try while nobody listens there.

    Returns:
        The exit status.

    Raises:
        HandshakeError: refused: the token, the version, or no place is free.
        UserError: nobody answers.
    """
    channel = _connect(host, port, token, place, wait_seconds)
    message = channel.receive()
    if message["kind"] == "refused":
        raise HandshakeError(f"the service refuses: {message['reason']}")
    assignment = Assignment(
        role=message["role"],
        index=message["index"],
        engine=config_from_json(message["engine"]),
        afd=AfdConfig(**message["afd"]),
        token=token,
        may_spin=message["may_spin"],
    )

    torch.set_num_threads(default_num_threads(assignment.engine.num_threads))
    membership = Membership(channel)
    instance = attention_instance if assignment.role == "attention" else ffn_instance
    try:
        instance.run(assignment, membership)
    except (ServingError, UserError) as error:
        membership.send("failed", message=str(error))
        print(f"error: {message['role']}{message['index']}: {error}", file=sys.stderr)
        return 1
    membership.hand_over(assignment.recorder)
    membership.close()
    return 0


def _connect(host: str, port: int, token: str, place: str | None, wait_seconds: float) -> Channel:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            connection = socket.create_connection((host, port), timeout=wait_seconds)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise HandshakeError(f"nobody answers at {host}:{port}: {error}") from error
            time.sleep(RETRY_SECONDS)
    try:
        call(connection, token, {"purpose": "control", "place": place})
    except OSError as error:
        raise HandshakeError(f"{host}:{port} is no Regard coordinator: {error}") from error
    return Channel(connection)
