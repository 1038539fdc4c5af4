import asyncio
import os
import signal
import sys
import time

import pytest

from regard import cli
from regard.common.errors import UserError
from regard.serving.api_client import ServerError
from regard.serving.chat import Chat, printable
from regard.serving.chat_model import Piece
from tests.serving.fake_api import FakeApi, free_address, served
from tests.serving.tiny import tiny_engine


@pytest.fixture(autouse=True)
def _ctrl_c():
    """A terminal's Ctrl-C; shells start jobs in the background with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Echo:
    """Answers with what was asked last; some words make it do something else."""

    name = "echo"

    def __init__(self):
        self.conversations = []
        self.num_closed = 0

    async def answer(self, messages):
        self.conversations.append([(m["role"], m["content"]) for m in messages])
        text = messages[-1]["content"]
        try:
            if text == "fail":
                raise ServerError("planted")
            yield Piece("<" + text, num_tokens=1)
            if text == "long":
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(30)
            yield Piece(">", num_tokens=2)
        finally:
            self.num_closed += 1

    async def aclose(self):
        pass


def talk(lines, *, system=None, is_interactive=False):
    """The model after a chat of these lines; a line that is an exception is raised."""
    model = Echo()
    waiting = iter([*lines, EOFError()])

    def read():
        line = next(waiting)
        if isinstance(line, BaseException):
            raise line
        return line

    with asyncio.Runner() as runner:
        chat = Chat(runner, model, system, is_interactive=is_interactive, read_line=read)
        assert chat.run() == 0
    return model


def test_without_a_terminal_only_answers_are_printed(capsys):
    talk(["hello", "", "  there"])
    assert capsys.readouterr() == ("<hello>\n<there>\n", "")


def test_each_turn_has_those_before_it():
    model = talk(["a", "b"], system="be kind")
    assert model.conversations[1] == [
        ("system", "be kind"),
        ("user", "a"),
        ("assistant", "<a>"),
        ("user", "b"),
    ]


def test_reset_forgets_the_turns_and_keeps_the_system_prompt():
    model = talk(["a", "/reset", "b"], system="be kind")
    assert model.conversations[1] == [("system", "be kind"), ("user", "b")]


def test_system_begins_anew_with_another_prompt_or_none():
    model = talk(["a", "/system be  brief", "b", "/system", "c"])
    assert model.conversations[1:] == [
        [("system", "be  brief"), ("user", "b")],
        [("user", "c")],
    ]


def test_quit_ends_and_help_lists_the_commands(capsys):
    assert talk(["/help", "/quit", "a"]).conversations == []
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("/reset", "/system", "/quit"))


def test_a_space_before_a_slash_makes_it_a_message():
    assert talk([" /quit"]).conversations == [[("user", "/quit")]]


def test_ctrl_c_stops_the_answer_and_keeps_what_came(capsys):
    model = talk(["long", "b"])
    assert model.num_closed == 2
    assert model.conversations[1] == [("user", "long"), ("assistant", "<long"), ("user", "b")]
    assert capsys.readouterr() == ("<long\n<b>\n", "stopped\n")


def test_ctrl_c_at_the_prompt_does_not_end_a_person_s_chat(capsys):
    model = talk([KeyboardInterrupt(), "a"], is_interactive=True)
    assert len(model.conversations) == 1
    assert "Ctrl-D" in capsys.readouterr().out


def test_ctrl_c_while_a_pipe_is_read_ends():
    with pytest.raises(KeyboardInterrupt):
        talk([KeyboardInterrupt()])


def test_an_error_is_one_line_and_a_person_s_chat_goes_on_without_the_question(capsys):
    model = talk(["a", "fail", "b"], is_interactive=True)
    assert [turn for turn in model.conversations[2] if turn[0] == "user"] == [
        ("user", "a"),
        ("user", "b"),
    ]
    assert capsys.readouterr().err == "error: planted (/reset begins anew)\n"


@pytest.mark.parametrize("line", ["fail", "/unknown"])
def test_an_error_ends_a_chat_from_a_pipe(line):
    with pytest.raises(UserError, match="planted|unknown command '/unknown'"):
        talk([line, "b"])


def test_an_answer_cannot_steer_the_terminal():
    assert printable("a\x1b[2Jb\x9b\r\n\tc\u00a0\u200d") == "a[2Jb\n\tc\u00a0\u200d"


def feed(monkeypatch, tmp_path, text):
    path = tmp_path / "input"
    path.write_bytes(text)
    stream = path.open(encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", stream)
    return stream


def test_talks_to_a_server(monkeypatch, tmp_path, capsys):
    with (
        feed(monkeypatch, tmp_path, b"hello\nagain \xff\n"),
        served(FakeApi()) as url,
    ):
        assert cli.main(["chat", "--base-url", url, "--system", "be kind"]) == 0
    assert capsys.readouterr() == ("one two three\n" * 2, "")


def test_loads_a_model_where_no_server_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("regard.serving.async_engine.Engine", lambda config: tiny_engine())
    with feed(monkeypatch, tmp_path, b"hello\n"):
        assert cli.main(["chat", "--max-tokens", "4", "--temperature", "0"]) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith("\n")
    assert captured.err == "loading default ...\n"


def test_ctrl_c_ends_the_loading_of_a_model(monkeypatch):
    def load(config):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(30)

    monkeypatch.setattr("regard.serving.async_engine.Engine", load)
    started = time.monotonic()
    assert cli.main(["chat"]) == cli.EXIT_INTERRUPTED
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--base-url", "nowhere"], "--base-url 'nowhere' is no address"),
        (["--temperature", "-1"], "temperature is -1.0; it must be from 0 to 100"),
        (["--max-tokens", "0"], "max_tokens is 0; it must be at least 1"),
        (["--api-key", "k"], "--api-key goes to a server"),
    ],
)
def test_a_wrong_option_is_one_line(arguments, problem, capsys):
    assert cli.main(["chat", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {problem}")
    assert error.count("\n") == 1


def test_a_server_that_is_not_there_is_one_line(capsys):
    url = free_address()
    assert cli.main(["chat", "--base-url", url]) == 1
    assert capsys.readouterr().err.startswith(f"error: no server answers at {url}/v1")


def test_help_has_an_example(capsys):
    assert cli.main(["chat", "--help"]) == 0
    assert "Example: regard chat" in capsys.readouterr().out
