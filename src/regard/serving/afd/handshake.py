"""Who may talk to whom: a shared token, proved both ways, and equal versions.

Each side sends a nonce and proves that it knows the token by an HMAC over both nonces; the token
itself never travels. What follows is neither encrypted nor signed: links belong on loopback or on a
network of their own.
"""

import hmac
import json
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from regard import __version__
from regard.common.errors import UserError

PROTOCOL = 1
HELLO_LIMIT = 1 << 16
HANDSHAKE_SECONDS = 5.0
_LENGTH = struct.Struct("<I")


class HandshakeError(UserError):
    """The other side may not join, or is not what was expected."""


def answer(connection: socket.socket, token: str, expected: Mapping[str, Any]) -> dict[str, Any]:
    """The listening side's part.

    Args:
        connection: just accepted.
        token: the shared secret.
        expected: what the caller's hello must contain, such as the configuration's digest.

    Returns:
        The caller's hello.

    Raises:
        HandshakeError: wrong token, another version, or something else than expected.
    """
    connection.settimeout(HANDSHAKE_SECONDS)
    nonce = secrets.token_hex(32)
    send_json(connection, {"regard": __version__, "protocol": PROTOCOL, "nonce": nonce})
    caller = receive_json(connection, HELLO_LIMIT)
    both = f"{nonce}:{caller.get('nonce')}"
    if not hmac.compare_digest(str(caller.get("proof")), _proof(token, "caller", both)):
        _refuse(connection, "its token is not this one's")
    hello = caller.get("hello")
    if not isinstance(hello, dict):
        _refuse(connection, "it said no hello")
    wanted = {"regard": __version__, "protocol": PROTOCOL, **expected}
    for key, value in wanted.items():
        if hello.get(key) != value:
            _refuse(connection, f"its {key} is {hello.get(key)!r}, here it is {value!r}")
    send_json(connection, {"proof": _proof(token, "listener", both)})
    connection.settimeout(None)
    return dict(hello)


def call(connection: socket.socket, token: str, hello: Mapping[str, Any]) -> None:
    """The connecting side's part.

    Raises:
        HandshakeError: the listener refuses, or does not know the token itself.
    """
    connection.settimeout(HANDSHAKE_SECONDS)
    listener = receive_json(connection, HELLO_LIMIT)
    nonce = secrets.token_hex(32)
    both = f"{listener.get('nonce')}:{nonce}"
    own = {"regard": __version__, "protocol": PROTOCOL, **hello}
    send_json(connection, {"nonce": nonce, "proof": _proof(token, "caller", both), "hello": own})
    reply = receive_json(connection, HELLO_LIMIT)
    if "refused" in reply:
        raise HandshakeError(f"refused by the other side: {reply['refused']}")
    if not hmac.compare_digest(str(reply.get("proof")), _proof(token, "listener", both)):
        raise HandshakeError("the other side does not know the token: is it a Regard instance?")
    connection.settimeout(None)


def greet_callers(
    listener: socket.socket, greet: Callable[[socket.socket], None]
) -> threading.Thread:
    """Greet every caller in a thread of its own: whoever says nothing keeps nobody else waiting.

    Args:
        listener: listening; shutting it down ends the returned thread.
        greet: what to do with a connection.
    """

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=greet, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, name="accept", daemon=True)
    thread.start()
    return thread


def send_json(connection: socket.socket, message: Mapping[str, Any]) -> None:
    """Send one message: its length in four bytes, then JSON."""
    data = json.dumps(message, separators=(",", ":")).encode()
    connection.sendall(_LENGTH.pack(len(data)) + data)


def receive_json(connection: socket.socket, limit: int) -> dict[str, Any]:
    """Receive one message.

    Raises:
        HandshakeError: it is longer than the limit, or no JSON object.
        ConnectionError: the other side hung up, or was silent for too long.
    """
    (length,) = _LENGTH.unpack(_receive_exactly(connection, _LENGTH.size))
    if length > limit:
        raise HandshakeError(f"a message of {length} bytes; at most {limit} are taken")
    try:
        message = json.loads(_receive_exactly(connection, length))
    except ValueError as error:
        raise HandshakeError(f"not a Regard instance: {error}") from error
    if not isinstance(message, dict):
        raise HandshakeError("not a Regard instance: no JSON object")
    return message


def _receive_exactly(connection: socket.socket, length: int) -> bytes:
    data = bytearray(length)
    view, done = memoryview(data), 0
    while done < length:
        try:
            count = connection.recv_into(view[done:])
        except TimeoutError as error:
            raise ConnectionError("the other side was silent for too long") from error
        if count == 0:
            raise ConnectionError("the other side hung up")
        done += count
    return bytes(data)


def _proof(token: str, side: str, nonces: str) -> str:
    return hmac.new(token.encode(), f"regard:{side}:{nonces}".encode(), "sha256").hexdigest()


def _refuse(connection: socket.socket, reason: str) -> NoReturn:
    send_json(connection, {"refused": reason})
    raise HandshakeError(f"refused an instance: {reason}")
