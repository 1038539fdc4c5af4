import io

import pytest

from regard.common.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _work(stream: io.StringIO, *, seconds: float) -> str:
    clock = Clock()
    with progress_bar("loading", 4, stream=stream, clock=clock) as advance:
        for _ in range(4):
            clock.seconds += seconds / 4
            advance(1)
    return stream.getvalue()


def test_long_work_shows_a_bar_on_a_terminal() -> None:
    assert "loading" in _work(Terminal(), seconds=8)


def test_short_work_shows_nothing() -> None:
    assert _work(Terminal(), seconds=1) == ""


def test_a_bar_can_be_switched_off() -> None:
    stream, clock = Terminal(), Clock()
    with progress_bar("loading", 1, enabled=False, stream=stream, clock=clock) as advance:
        clock.seconds = 9
        advance(1)
    assert stream.getvalue() == ""


def test_a_pipe_stays_clean() -> None:
    assert _work(io.StringIO(), seconds=8) == ""


def _fail(stream: io.StringIO) -> None:
    clock = Clock()
    with progress_bar("loading", 2, stream=stream, clock=clock) as advance:
        clock.seconds = 9
        advance(1)
        raise KeyError


def test_an_exception_passes_through_and_shows_the_cursor_again() -> None:
    stream = Terminal()
    with pytest.raises(KeyError):
        _fail(stream)
    assert stream.getvalue().count("\x1b[?25h") == stream.getvalue().count("\x1b[?25l")
