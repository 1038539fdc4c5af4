"""Templates of the pages, which lie beside this file."""

from __future__ import annotations

from typing import Any

from regard.common.statistics import Interval
from regard.tradeoffs.report.target_section import interval_text


def fill(name: str, **values: Any) -> str:
    """A template with its values; text in them cannot become markup.

    Args:
        name: The template's file name.
        values: What it names; one that it names and does not get is an error.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("regard.tradeoffs", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["interval"] = interval_text
    environment.filters["triple"] = lambda ends: (
        "" if ends is None else interval_text(Interval(*ends))
    )
    return environment.get_template(name).render(**values)
