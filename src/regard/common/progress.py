"""Progress bars for whatever may take more than two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Literal

SECONDS_BEFORE_SHOWN = 2.0

Unit = Literal["items", "bytes"]


@contextmanager
def progress_bar(
    description: str,
    total: float | None,
    *,
    unit: Unit = "items",
    enabled: bool = True,
    stream: IO[str] | None = None,
    seconds_before_shown: float = SECONDS_BEFORE_SHOWN,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[float], None]]:
    """Yields `advance(amount)`; a bar appears once the work has lasted two seconds.

    Nothing is drawn when the stream is no terminal, so that logs and pipes stay clean.

    Args:
        description: What is being done.
        total: The amount that ends it; None when unknown.
        unit: What the amount counts.
        enabled: False shows nothing at all.
        stream: Where the bar goes; standard error by default.
        seconds_before_shown: Work shorter than this shows nothing.
        clock: Seconds that never go back.
    """
    target = sys.stderr if stream is None else stream
    is_shown = enabled and target.isatty()
    bar = _Bar(description, total, unit, target) if is_shown else None
    started = clock()
    done = 0.0

    def advance(amount: float = 1) -> None:
        nonlocal done
        done += amount
        if bar is not None and clock() - started >= seconds_before_shown:
            bar.show(done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.close()


class _Bar:
    """A rich progress bar that is built when it is first shown."""

    def __init__(self, description: str, total: float | None, unit: Unit, stream: IO[str]) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        counter = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            counter,
            TimeRemainingColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._task_id = self._progress.add_task(description, total=total)
        self._is_running = False

    def show(self, done: float) -> None:
        if not self._is_running:
            self._progress.start()
            self._is_running = True
        self._progress.update(self._task_id, completed=done)

    def close(self) -> None:
        if self._is_running:
            self._progress.stop()
