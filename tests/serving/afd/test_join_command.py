import pytest

from regard.common.errors import UserError
from regard.serving.afd.handshake import HandshakeError
from regard.serving.afd.join_command import TOKEN_VARIABLE, main


def test_without_a_token_it_says_where_one_belongs(monkeypatch):
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    with pytest.raises(UserError, match=f"{TOKEN_VARIABLE} is not set"):
        main(["127.0.0.1:1"])


def test_an_address_without_a_port_is_bad_usage(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["here"])
    assert stop.value.code == 2
    assert "'here' is not of the form HOST:PORT" in capsys.readouterr().err


def test_nobody_there_is_said_after_the_time(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    with pytest.raises(HandshakeError, match=r"nobody answers at 127\.0\.0\.1:1"):
        main(["127.0.0.1:1", "--wait", "0"])
