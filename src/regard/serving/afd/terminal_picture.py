"""A picture of a step in the terminal: a line a worker, a character a moment."""

from __future__ import annotations

from rich.text import Text

from regard.serving.afd.picture import Bar, Picture

# One for each micro-batch.
COLOURS = ("cyan", "yellow", "magenta", "green")
WAIT, SEND, OTHER, IDLE = "·", ">", "=", " "
LEGEND = "digits: micro-batch computed   > sending   = head, sampling   · waiting for results"


def terminal_picture(picture: Picture, width: int) -> list[Text]:
    """The lines of a picture.

    Args:
        picture: What to draw.
        width: Columns of the terminal.
    """
    label = max(map(len, picture.lanes))
    columns = max(10, width - label - 1)
    lines = [Text(picture.title)]
    for worker, bars in picture.lanes.items():
        line = Text(f"{worker:>{label}} ")
        for bar in _columns(bars, columns, picture.lasts_us):
            line.append(*_cell(bar))
        lines.append(line)
    scale = f"{'':>{label}} 0{_duration(picture.lasts_us):>{columns - 1}}"
    lines += [Text(scale), Text(LEGEND, style="dim")]
    if picture.num_hidden:
        lines.append(Text(f"{picture.num_hidden} more workers are not shown", style="dim"))
    return lines


def _columns(bars: tuple[Bar, ...], columns: int, lasts_us: float) -> list[Bar | None]:
    """For each column, the bar that covers most of it."""
    covered: list[tuple[float, Bar | None]] = [(0.0, None)] * columns
    width_us = lasts_us / columns if lasts_us else 1.0
    for bar in bars:
        first = int(bar.start_us / width_us)
        last = min(columns - 1, int(bar.end_us / width_us))
        for column in range(first, last + 1):
            begin = max(bar.start_us, column * width_us)
            share = min(bar.end_us, (column + 1) * width_us) - begin
            if share > covered[column][0]:
                covered[column] = (share, bar)
    return [bar if share >= width_us / 2 else None for share, bar in covered]


def _cell(bar: Bar | None) -> tuple[str, str]:
    if bar is None:
        return IDLE, ""
    colour = COLOURS[bar.microbatch % len(COLOURS)]
    if bar.stage in ("attention", "feed_forward"):
        return str(bar.microbatch), f"black on {colour}"
    if bar.stage == "other":
        return OTHER, "white"
    return (WAIT, "dim") if bar.stage == "wait" else (SEND, colour)


def _duration(microseconds: float) -> str:
    if microseconds >= 1000:
        return f"{microseconds / 1000:.2f} ms"
    return f"{microseconds:.0f} us"
