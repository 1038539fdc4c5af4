"""The page that sets several runs of one plan side by side: one HTML file without any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.answers import answers_of, readings_of
from regard.tradeoffs.analysis.curve import Band, bands_of, cube_of
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.compare import ComparedVerdict
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.read_log import RunLog
from regard.tradeoffs.report.figures import models_figure, slopes_figure
from regard.tradeoffs.report.page import OPENING, versions
from regard.tradeoffs.report.registration import Registration
from regard.tradeoffs.report.template import fill

Bands = dict[str, list[Band]]
"""One curve a model."""


@dataclass(frozen=True, kw_only=True)
class ComparedTarget:
    """One target on one scale, all models; figures are SVG text, empty without data."""

    target: str
    scale: str
    rows: tuple[ComparedVerdict, ...]
    curves: str
    slopes: str

    @property
    def names(self) -> list[str]:
        """Gates and criteria of any row, in their order."""
        return list(dict.fromkeys(name for row in self.rows for name in row.held))


def make_comparison(
    runs: Sequence[tuple[RunLog, Registration]],
    rows: Sequence[ComparedVerdict],
    *,
    criteria: Criteria,
) -> str:
    """The HTML of a comparison.

    Args:
        runs: The runs in the order of the page, each with what is known of its plan.
        rows: Their verdicts, from `compare`.
        criteria: Those of the verdicts.
    """
    layouts = {run.model: Layout(run.cells) for run, _ in runs}
    judged = list(dict.fromkeys((row.target, row.scale) for row in rows))
    targets = tuple(
        _target(target, scale, [run for run, _ in runs], layouts, rows, criteria)
        for target, scale in judged
    )
    return fill(
        "comparison.html.j2",
        opening=OPENING,
        runs=runs,
        targets=targets,
        num_tests=sum(row.p_value is not None for row in rows),
        criteria=criteria,
        versions=versions(),
    )


def _target(
    target: str,
    scale: str,
    runs: Sequence[RunLog],
    layouts: Mapping[str, Layout],
    rows: Sequence[ComparedVerdict],
    criteria: Criteria,
) -> ComparedTarget:
    own = tuple(row for row in rows if (row.target, row.scale) == (target, scale))
    panels: dict[float, Bands] = {}
    by_model = {run.model: run for run in runs}
    for row in own:
        _add_curves(panels, by_model[row.model], layouts[row.model], row, criteria)
    slopes = {row.model: Interval(*row.slope) for row in own if row.slope is not None}
    behind_gate = {row.model for row in own if row.failed_gate}
    name = f"{target}-{scale}"
    return ComparedTarget(
        target=target,
        scale=scale,
        rows=own,
        curves=models_figure(name, dict(sorted(panels.items())), behind_gate) if panels else "",
        slopes=slopes_figure(name, slopes, behind_gate) if slopes else "",
    )


def _add_curves(
    panels: dict[float, Bands],
    run: RunLog,
    layout: Layout,
    row: ComparedVerdict,
    criteria: Criteria,
) -> None:
    """Adds a model's curve, by the reading that decides, to the panel of each points gap."""
    block = layout.block(row.target, scale=row.scale)
    readings = readings_of(run.cells) if row.reading is None else (row.reading,)
    held = [answers_of(run.cells, reading) for reading in readings]
    answers = next((each for each in held if each.trials[block.rows].sum() > 0), None)
    if answers is None:
        return
    cube = cube_of(block, answers)
    for index, log_gap in enumerate(block.log_gaps):
        chosen = np.arange(len(block.log_gaps)) == index
        bands = bands_of(cube, chosen, confidence=criteria.confidence)
        panels.setdefault(round(float(np.exp(log_gap)), 6), {})[run.model] = bands
