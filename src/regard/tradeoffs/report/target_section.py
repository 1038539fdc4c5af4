"""What the page shows of one target on one scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.bootstrap import bootstrap_t
from regard.tradeoffs.analysis.bound import threshold_bound
from regard.tradeoffs.analysis.curve import Band, Cube, bands_of, cube_of
from regard.tradeoffs.analysis.dose import DoseFit, fit_dose
from regard.tradeoffs.analysis.firth import CurveFit, curve_of, wording_curves
from regard.tradeoffs.analysis.layout import Block, Layout
from regard.tradeoffs.analysis.refusals import refusal_bounds
from regard.tradeoffs.analysis.variance import variance_shares
from regard.tradeoffs.criteria import CONTROLS_OF, Criteria
from regard.tradeoffs.report.figures import (
    dose_figure,
    forest_figure,
    price_figure,
    shares_figure,
)
from regard.tradeoffs.verdict import Verdict

RESAMPLES = 299


@dataclass(frozen=True, kw_only=True)
class TargetSection:
    """One target's part of the page; figures are SVG text, empty where there is no data."""

    verdict: Verdict
    slope: str
    threshold: str
    price: str
    checks: tuple[tuple[str, str], ...]
    """Further estimates of the same, by what they are."""
    dose: str
    prices: str
    forest: str
    shares: str


def section_of(
    layout: Layout, answers: Answers, verdict: Verdict, *, criteria: Criteria, seed: int
) -> TargetSection:
    """Figures and figures' words of one verdict."""
    block = layout.block(verdict.target, scale=verdict.scale)
    confidence = criteria.confidence
    dose = verdict.readings[0].findings.dose if verdict.readings else None
    has_choices = answers.trials[block.rows].sum() > 0
    cube = cube_of(block, answers).times(answers.fit_weight)
    return TargetSection(
        verdict=verdict,
        slope="" if dose is None else interval_text(dose.slope),
        threshold="" if dose is None else _threshold(block, answers, verdict, dose),
        price=_price(dose) if dose is not None and dose.has_gaps else "",
        checks=() if dose is None else _checks(block, answers, seed, confidence),
        dose=_dose(layout, answers, block, confidence) if has_choices else "",
        prices="" if dose is None or not dose.has_gaps else _prices(block, answers, dose),
        forest=""
        if dose is None
        else forest_figure(block.state, _wordings(cube, answers, confidence), dose.slope),
        shares="" if dose is None else shares_figure(block.state, variance_shares(block, answers)),
    )


def interval_text(interval: Interval) -> str:
    """An estimate with its interval, as the page prints it."""
    if not (isfinite(interval.low) and isfinite(interval.high)):
        return "undetermined"
    return f"{interval.value:.3g} [{interval.low:.3g}, {interval.high:.3g}]"


def _wordings(cube: Cube, answers: Answers, confidence: float) -> dict[str, CurveFit]:
    curves = wording_curves(cube, confidence=confidence)
    if answers.reading == "text":
        return curves
    return {name: replace(curve, slope=_bare(curve.slope.value)) for name, curve in curves.items()}


def _bands(cube: Cube, gaps: NDArray[np.bool_], answers: Answers, confidence: float) -> list[Band]:
    bands = bands_of(cube, gaps, confidence=confidence)
    if answers.reading == "text":
        return bands
    return [replace(band, share=_bare(band.share.value)) for band in bands]


def _bare(value: float) -> Interval:
    """A log-probability is no sample: within a wording it has no interval."""
    return Interval(value, value, value)


def _threshold(block: Block, answers: Answers, verdict: Verdict, dose: DoseFit) -> str:
    """A number, or bounds where so many declined that it depends on what they would have said."""
    if verdict.failed_gate != "refusal":
        return str(threshold_bound(dose))
    low, high = refusal_bounds(block, answers, confidence=dose.confidence)
    return f"between {low} and {high}: declined answers counted as giving up points, or as taking"


def _price(dose: DoseFit) -> str:
    """Where choices do not follow the level, no level has a price."""
    shown = f"{interval_text(dose.price)} levels per unit of the log gap"
    return shown if dose.slope.low > 0 else "undetermined"


def _dose(layout: Layout, answers: Answers, block: Block, confidence: float) -> str:
    target = cube_of(block, answers)
    controls = {
        name: cube_of(layout.block(name, scale=block.scale), answers)
        for name in CONTROLS_OF.get(block.state, ())
        if layout.has(name, scale=block.scale)
    }
    panels = []
    for index, log_gap in enumerate(block.log_gaps):
        chosen = np.arange(len(block.log_gaps)) == index
        beside = {
            name: bands_of(cube, cube.block.log_gaps == log_gap, confidence=confidence)
            for name, cube in controls.items()
        }
        panels.append(
            (
                f"{np.exp(log_gap):g} more points",
                _bands(target, chosen, answers, confidence),
                curve_of(target.times(answers.fit_weight), gap=index, confidence=confidence),
                beside,
            )
        )
    return dose_figure(block.state, panels)


def _prices(block: Block, answers: Answers, dose: DoseFit) -> str:
    """Each gap's own threshold beside the common price; empty where no gap has one."""
    known = {}
    for log_gap in block.log_gaps:
        part = block.part(block.log_gap == log_gap)
        bound = threshold_bound(fit_dose(part, answers, confidence=dose.confidence))
        if bound.value is not None and bound.low is not None and bound.high is not None:
            known[float(np.exp(log_gap))] = Interval(bound.value, bound.low, bound.high)
    return price_figure(block.state, known, dose.price) if known else ""


def _checks(
    block: Block, answers: Answers, seed: int, confidence: float
) -> tuple[tuple[str, str], ...]:
    slope, threshold = bootstrap_t(
        block, answers, draws=RESAMPLES, seed=seed, confidence=confidence
    )
    cube = cube_of(block, answers).times(answers.fit_weight)
    low, high = refusal_bounds(block, answers, confidence=confidence)
    firth = (
        [
            (
                "slope by Firth's regression, answers as independent",
                interval_text(curve_of(cube, confidence=confidence).slope),
            )
        ]
        if answers.reading == "text"
        else []
    )
    return (
        ("slope by bootstrap-t over wordings", interval_text(slope)),
        (
            "threshold by bootstrap-t over wordings",
            # As for the threshold that decides: without a dose-response there is none.
            interval_text(threshold) if slope.low > 0 else "undetermined",
        ),
        *firth,
        ("threshold, declined answers as giving up points", str(low)),
        ("threshold, declined answers as taking them", str(high)),
    )
