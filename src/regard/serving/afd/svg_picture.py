"""A picture of a step as an SVG file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from regard.serving.afd.picture import Bar, Picture
from regard.serving.afd.trace import TraceError

# One for each micro-batch: Okabe and Ito's colours, told apart by the colour-blind.
COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7")
WAIT_COLOUR, OTHER_COLOUR, INK = "#e4e4e4", "#8c8c8c", "#222222"
LABEL, WIDTH, MARGIN, LANE, GAP, TOP, BOTTOM = 100, 1500, 40, 26, 18, 44, 58
NUM_TICKS = 10
# More of them hide each other.
MAX_ARROWS = 400
# Numbers are written into bars at least this wide.
TEXT_WIDTH = 22


def write_svg(path: Path, picture: Picture) -> None:
    """Draws a picture into a file.

    Raises:
        TraceError: The file cannot be written.
    """
    try:
        path.write_text(svg_of(picture), encoding="utf-8")
    except OSError as error:
        raise TraceError(f"{path}: {error}") from None


def svg_of(picture: Picture) -> str:
    """The document."""
    height = TOP + len(picture.lanes) * (LANE + GAP) + BOTTOM
    size = f'width="{LABEL + WIDTH + MARGIN}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LABEL}" y="22" font-size="15" fill="{INK}">{escape(picture.title)}</text>',
        *_axis(picture, height - BOTTOM),
        *(_arrows(picture) if len(picture.arrows) <= MAX_ARROWS else ()),
        *_lanes(picture),
        *_legend(picture, height - 14),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _x(microseconds: float, picture: Picture) -> float:
    return LABEL + WIDTH * microseconds / max(picture.lasts_us, 1e-9)


def _y(worker: str, picture: Picture) -> int:
    return TOP + list(picture.lanes).index(worker) * (LANE + GAP)


def _axis(picture: Picture, bottom: int) -> Iterator[str]:
    is_long = picture.lasts_us >= 2000
    for tick in range(NUM_TICKS + 1):
        moment = picture.lasts_us * tick / NUM_TICKS
        x = _x(moment, picture)
        text = f"{moment / 1000:.2f} ms" if is_long else f"{moment:.0f} us"
        yield f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#f0f0f0"/>'
        yield (
            f'<text x="{x:.1f}" y="{bottom + 10}" text-anchor="middle" font-size="10" '
            f'fill="{INK}">{text}</text>'
        )


def _lanes(picture: Picture) -> Iterator[str]:
    for worker, bars in picture.lanes.items():
        y = _y(worker, picture)
        yield (
            f'<text x="{LABEL - 8}" y="{y + LANE - 8}" text-anchor="end" fill="{INK}">'
            f"{escape(worker)}</text>"
        )
        for bar in bars:
            if bar.stage != "receive":
                yield from _drawn(bar, y, picture)


def _drawn(bar: Bar, y: int, picture: Picture) -> Iterator[str]:
    x = _x(bar.start_us, picture)
    width = _x(bar.end_us, picture) - x
    colour = COLOURS[bar.microbatch % len(COLOURS)]
    inset = 0
    if bar.stage == "wait":
        colour, inset = WAIT_COLOUR, 8
    elif bar.stage == "other":
        colour = OTHER_COLOUR
    elif bar.stage == "send":
        inset = 5
    name = f"{bar.stage}, micro-batch {bar.microbatch}, layer {bar.layer}"
    yield (
        f'<rect x="{x:.2f}" y="{y + inset}" width="{max(width, 0.3):.2f}" '
        f'height="{LANE - 2 * inset}" fill="{colour}" stroke="white" stroke-width="0.5">'
        f"<title>{name}: {bar.end_us - bar.start_us:.1f} us</title></rect>"
    )
    if width >= TEXT_WIDTH and bar.stage in ("attention", "feed_forward"):
        yield (
            f'<text x="{x + width / 2:.1f}" y="{y + LANE - 9}" text-anchor="middle" '
            f'font-size="10" fill="{INK}">{bar.layer}</text>'
        )


def _arrows(picture: Picture) -> Iterator[str]:
    for arrow in picture.arrows:
        sender, receiver = _y(arrow.sender, picture), _y(arrow.receiver, picture)
        goes_down = receiver > sender
        begin = sender + LANE if goes_down else sender
        end = receiver if goes_down else receiver + LANE
        colour = COLOURS[arrow.microbatch % len(COLOURS)]
        yield (
            f'<path d="M{_x(arrow.start_us, picture):.1f} {begin}'
            f'L{_x(arrow.end_us, picture):.1f} {end}" stroke="{colour}" stroke-width="0.8"/>'
        )


def _legend(picture: Picture, y: int) -> Iterator[str]:
    microbatches = {
        bar.microbatch
        for bars in picture.lanes.values()
        for bar in bars
        if bar.stage in ("attention", "feed_forward")
    }
    entries = [
        (COLOURS[each % len(COLOURS)], f"micro-batch {each}") for each in sorted(microbatches)
    ]
    entries += [(WAIT_COLOUR, "waiting for results"), (OTHER_COLOUR, "embedding, head, sampling")]
    x = LABEL
    for colour, text in entries:
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 17}" y="{y}" fill="{INK}">{text}</text>'
        x += 40 + 7 * len(text)
    yield f'<text x="{x}" y="{y}" fill="{INK}">numbers: layers</text>'
    if picture.num_hidden:
        x += 130
        yield f'<text x="{x}" y="{y}" fill="{INK}">{picture.num_hidden} more workers</text>'
