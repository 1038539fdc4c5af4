"""One self-contained page with the analysis: tables, figures, assumptions."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.figure import Figure

from regard.serving.cost.figures import STYLE
from regard.serving.cost.tables import Table

CSS = """
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 74rem; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.9rem; margin-bottom: .2rem; } h2 { margin-top: 2.6rem; font-size: 1.3rem; }
p.lead { color: #555; margin-top: 0; }
figure { margin: 1.2rem 0; max-width: 58rem; } figure svg { width: 100%; height: auto; }
p, ul { max-width: 50rem; }
figcaption, caption { color: #555; font-size: .88rem; text-align: left; }
div.wide { overflow-x: auto; margin-bottom: 1.4rem; }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; }
th { text-align: left; vertical-align: bottom; border-bottom: 2px solid #999; font-weight: 600; }
td, th { padding: .25rem .5rem; white-space: pre; } td { border-bottom: 1px solid #e6e6e6; }
td.number, th.number { text-align: right; } tr.marked td { background: #eef5fa; }
caption { caption-side: bottom; padding-top: .4rem; white-space: normal; }
code { background: #f3f3f3; padding: .05rem .3rem; border-radius: 3px; }
li { margin: .25rem 0; }
"""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page."""

    title: str
    """Its heading."""

    text: str = ""
    """What to see in it."""

    figure: Figure | None = None
    """A picture."""

    tables: Sequence[Table] = ()
    """Tables under it."""

    points: Sequence[str] = ()
    """A list."""


def render(title: str, lead: str, sections: Sequence[Section], *, marked: str = "") -> str:
    """The page.

    Args:
        title: Its heading.
        lead: What it is, in a sentence.
        sections: In this order.
        marked: Rows whose first cell is this stand out.
    """
    parts = [_section(each, marked) for each in sections]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title><style>{CSS}</style></head><body>",
            f"<h1>{html.escape(title)}</h1>",
            f'<p class="lead">{html.escape(lead)}</p>',
            *parts,
            "</body></html>",
            "",
        ]
    )


def as_svg(figure: Figure) -> str:
    """A figure to stand in a page; the same figure gives the same text."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _section(section: Section, marked: str) -> str:
    lines = [f"<h2>{html.escape(section.title)}</h2>"]
    if section.text:
        lines.append(f"<p>{html.escape(section.text)}</p>")
    if section.figure is not None:
        lines.append(f"<figure>{as_svg(section.figure)}</figure>")
    lines += [_table(each, marked) for each in section.tables]
    if section.points:
        items = "".join(f"<li>{html.escape(each)}</li>" for each in section.points)
        lines.append(f"<ul>{items}</ul>")
    return "\n".join(lines)


def _table(table: Table, marked: str) -> str:
    kinds = [' class="number"' if column.form else "" for column in table.columns]
    heads = "".join(
        f"<th{kind}>{html.escape(column.title)}</th>"
        for kind, column in zip(kinds, table.columns, strict=True)
    )
    lines = []
    for row in table.rows:
        cells = "".join(
            f"<td{kind}>{html.escape(table.written(column, cell))}</td>"
            for kind, column, cell in zip(kinds, table.columns, row, strict=True)
        )
        chosen = ' class="marked"' if row[0] == marked else ""
        lines.append(f"<tr{chosen}>{cells}</tr>")
    caption = " ".join(filter(None, (table.title + ".", table.caption)))
    return (
        f'<div class="wide"><table><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
