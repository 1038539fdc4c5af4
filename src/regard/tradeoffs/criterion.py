"""T1 to T5: what the choices of one reading must show for a verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri  # type: ignore[import-untyped]

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.curve import cube_of, level_share
from regard.tradeoffs.analysis.dose import DoseFit, fit_dose
from regard.tradeoffs.analysis.layout import Block, Layout
from regard.tradeoffs.analysis.logistic import Floats
from regard.tradeoffs.analysis.specificity import Contrast, contrast_of
from regard.tradeoffs.analysis.trend import trend_scores
from regard.tradeoffs.criteria import CONTROLS_OF, Criteria


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One of T1 to T6."""

    name: str
    """`T1 dose`, ..."""
    passed: bool | None
    """None: not assessed, which is not passed."""
    value: float | None
    """The figure that decides."""
    low: float | None
    high: float | None
    about: str
    """What the figure is, or what is missing."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one reading shows of one target, gates apart."""

    criteria: tuple[Criterion, ...]
    """T1 to T5."""
    avoids_throughout: bool
    """Whether P(most points) is below a half at the lowest level too, intervals included."""
    dose: DoseFit
    contrasts: tuple[Contrast, ...]
    """One a control."""
    trends: Floats
    """(wordings,): scores of each wording's own trend."""


def find(layout: Layout, answers: Answers, block: Block, *, criteria: Criteria) -> Findings:
    """Assesses T1 to T5 on the cells of one target."""
    dose = fit_dose(block, answers, confidence=criteria.confidence)
    ends = _ends(dose, answers, criteria)
    trends = trend_scores(block, answers)
    contrasts, missing = _contrasts(layout, answers, block, criteria)
    return Findings(
        criteria=(
            _dose(dose),
            _crossing(dose, ends, criteria),
            _specificity(contrasts, missing),
            _price(dose, criteria),
            _robustness(dose, trends, answers, criteria),
        ),
        avoids_throughout=(
            all(each.high < 0 for each in ends.fitted) and ends.observed[0].high < criteria.crossing
        ),
        dose=dose,
        contrasts=contrasts,
        trends=trends,
    )


@dataclass(frozen=True)
class _Ends:
    """The lowest and the highest level."""

    fitted: tuple[Interval, Interval]
    """Logits."""
    observed: tuple[Interval, Interval]
    """Shares."""


def _ends(dose: DoseFit, answers: Answers, criteria: Criteria) -> _Ends:
    levels = dose.block.levels
    cube = cube_of(dose.block, answers)
    return _Ends(
        (dose.logit(float(levels[0])), dose.logit(float(levels[-1]))),
        (
            level_share(cube, 0, confidence=criteria.confidence),
            level_share(cube, len(levels) - 1, confidence=criteria.confidence),
        ),
    )


def _dose(dose: DoseFit) -> Criterion:
    return _criterion("T1 dose", dose.slope.low > 0, dose.slope, "logits of avoiding, a level")


def _crossing(dose: DoseFit, ends: _Ends, criteria: Criteria) -> Criterion:
    passed = (
        ends.fitted[0].low > 0
        and ends.fitted[1].high < 0
        and ends.observed[0].low > criteria.crossing
        and ends.observed[1].high < criteria.crossing
    )
    return _criterion("T2 crossing", passed, dose.threshold(), "threshold, level at the middle gap")


def _contrasts(
    layout: Layout, answers: Answers, block: Block, criteria: Criteria
) -> tuple[tuple[Contrast, ...], list[str]]:
    target = cube_of(block, answers)
    found, missing = [], []
    for name in CONTROLS_OF.get(block.state, ()):
        if not layout.has(name, scale=block.scale):
            missing.append(name)
            continue
        control = cube_of(layout.block(name, scale=block.scale), answers)
        found.append(
            contrast_of(
                target,
                control,
                margin=criteria.specificity_margin,
                confidence=criteria.confidence,
            )
        )
    return tuple(found), missing


def _specificity(contrasts: tuple[Contrast, ...], missing: list[str]) -> Criterion:
    if missing or not contrasts:
        return _not_assessed("T3 specificity", f"no control {', '.join(missing) or 'at all'}")
    nearest = min(contrasts, key=lambda each: min(each.excess.low, each.excess_rise.low))
    bound = min(nearest.excess, nearest.excess_rise, key=lambda each: each.low)
    return _criterion(
        "T3 specificity",
        all(each.passed for each in contrasts),
        bound,
        f"excess over the nearest control, {nearest.control}",
    )


def _price(dose: DoseFit, criteria: Criteria) -> Criterion:
    gaps = len(dose.block.log_gaps)
    if gaps < criteria.min_gaps:
        return _not_assessed("T4 price", f"{gaps} points gaps; needs {criteria.min_gaps}")
    # Where the slope is above 0, the sign of the gap's effect is the sign of the price.
    passed = dose.slope.low > 0 and dose.gap_effect.low > 0
    return _criterion("T4 price", passed, dose.price, "levels per unit of the log gap")


def _robustness(dose: DoseFit, trends: Floats, answers: Answers, criteria: Criteria) -> Criterion:
    block = dose.block
    if len(block.contexts) < criteria.min_contexts or len(block.orders) < 2:
        return _not_assessed(
            "T5 robustness", f"{len(block.contexts)} contexts, {len(block.orders)} orders"
        )
    share = float(np.mean(trends > _normal_quantile(criteria)))
    parts = [(f"order {name}", block.order == at) for at, name in enumerate(block.orders)]
    parts += [(f"context {name}", block.context == at) for at, name in enumerate(block.contexts)]
    broken = [name for name, chosen in parts if not _holds(block.part(chosen), answers, criteria)]
    return Criterion(
        name="T5 robustness",
        passed=share >= criteria.robust_wordings and not broken,
        value=share,
        low=None,
        high=None,
        about="share of wordings" + (f"; not in {', '.join(broken)}" if broken else ""),
    )


def _holds(block: Block, answers: Answers, criteria: Criteria) -> bool:
    """Whether a part of the cells has the slope and ends below a half."""
    dose = fit_dose(block, answers, confidence=criteria.confidence)
    return dose.slope.low > 0 and dose.logit(float(block.levels[-1])).value < 0


def _normal_quantile(criteria: Criteria) -> float:
    return float(ndtri(0.5 + criteria.confidence / 2))


def _criterion(name: str, passed: bool, interval: Interval, about: str) -> Criterion:
    return Criterion(
        name=name,
        passed=passed,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        about=about,
    )


def _not_assessed(name: str, about: str) -> Criterion:
    return Criterion(name=name, passed=None, value=None, low=None, high=None, about=about)
