import socket
import threading

import pytest

from regard.serving.afd import handshake
from regard.serving.afd.handshake import HandshakeError, answer, call, receive_json, send_json


def shake(listener_token="secret", caller_token="secret", expected=None, hello=None):
    """Both sides' outcome: the hello or the error of the listener, None or the caller's error."""
    a, b = socket.socketpair()
    outcome = {}

    def listen():
        try:
            outcome["listener"] = answer(a, listener_token, expected or {})
        except (HandshakeError, OSError) as error:
            outcome["listener"] = error

    with a, b:
        thread = threading.Thread(target=listen)
        thread.start()
        try:
            call(b, caller_token, hello or {})
            outcome["caller"] = None
        except (HandshakeError, OSError) as error:
            outcome["caller"] = error
        thread.join()
    return outcome["listener"], outcome["caller"]


def test_equal_tokens_let_the_caller_in_and_bring_its_hello():
    hello, error = shake(hello={"purpose": "rows", "attention": 3}, expected={"purpose": "rows"})
    assert error is None
    assert hello["attention"] == 3


def test_a_wrong_token_is_refused_and_never_travels():
    sent = []
    plain_send = handshake.send_json
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            handshake, "send_json", lambda c, m: (sent.append(str(m)), plain_send(c, m))[1]
        )
        listener, caller = shake(caller_token="guess-of-mine")
    assert "its token is not this one's" in str(listener)
    assert "refused by the other side" in str(caller)
    assert not any("secret" in text or "guess-of-mine" in text for text in sent)


@pytest.mark.parametrize(
    ("expected", "hello", "message"),
    [
        ({"digest": "a"}, {"digest": "b"}, "its digest is 'b', here it is 'a'"),
        ({"wire": "fp8"}, {}, "its wire is None, here it is 'fp8'"),
        ({}, {"regard": "0.0.0"}, "its regard is '0.0.0'"),
        ({}, {"protocol": 99}, "its protocol is 99"),
    ],
)
def test_another_version_or_configuration_is_refused_by_name(expected, hello, message):
    listener, caller = shake(expected=expected, hello=hello)
    assert message in str(listener)
    assert message in str(caller)


def test_a_listener_that_does_not_know_the_token_is_not_believed():
    a, b = socket.socketpair()

    def impostor():
        send_json(a, {"nonce": "00"})
        receive_json(a, 1 << 16)
        send_json(a, {"proof": "made up"})

    with a, b:
        thread = threading.Thread(target=impostor)
        thread.start()
        with pytest.raises(HandshakeError, match="does not know the token"):
            call(b, "secret", {})
        thread.join()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xff\xff\x7f", "a message of 2147483647 bytes"),
        (b"\x02\x00\x00\x00[]", "no JSON object"),
        (b"\x04\x00\x00\x00GET ", "not a Regard instance"),
    ],
)
def test_what_is_no_message_is_refused(data, message):
    a, b = socket.socketpair()
    with a, b:
        b.sendall(data)
        with pytest.raises(HandshakeError, match=message):
            receive_json(a, 1 << 16)


def test_silence_and_hanging_up_are_errors(monkeypatch):
    monkeypatch.setattr(handshake, "HANDSHAKE_SECONDS", 0.05)
    a, b = socket.socketpair()
    with a, b, pytest.raises(ConnectionError, match="silent"):
        answer(a, "secret", {})
    a, b = socket.socketpair()
    b.close()
    with a, pytest.raises(ConnectionError):
        receive_json(a, 100)
