"""Verdicts of several runs side by side, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from regard.tradeoffs.analysis.answers import Reading
from regard.tradeoffs.analysis.bound import threshold_bound
from regard.tradeoffs.analysis.holm import holm
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.read_log import RunLog
from regard.tradeoffs.states import JUDGED_SCALES, TARGETS
from regard.tradeoffs.verdict import Verdict, judge


@dataclass(frozen=True, kw_only=True)
class ComparedVerdict:
    """One target of one run."""

    model: str
    target: str
    scale: str
    verdict: str
    failed_gate: str | None
    reading: Reading | None
    """The one that decides; None without a fit."""
    held: dict[str, bool | None]
    """What passed, by gate and criterion, in their order; None: not assessed."""
    slope: tuple[float, float, float] | None
    """Estimate and interval, logits a level; None without a fit."""
    threshold: str
    """A number with its interval, or a bound; empty without a fit."""
    price: tuple[float, float, float] | None
    """Estimate and interval, levels per unit of the log gap; None without a dose-response."""
    p_value: float | None
    """Of the dose-response (T1), one-sided."""
    p_value_holm: float | None
    """The same, corrected for all targets of all runs compared."""
    holds: bool | None
    """Whether T1 holds after the correction, at half of what the intervals leave out."""


def compare(runs: Sequence[RunLog], *, criteria: Criteria) -> list[ComparedVerdict]:
    """Judges the main block of every run.

    Raises:
        TradeoffsError: There are fewer than two runs, they are of different designs or criteria,
            a model stands twice, or a target cannot be judged.
    """
    _check_comparable(runs, criteria)
    rows = [row for run in runs for row in _rows(run, criteria)]
    if not rows:
        raise TradeoffsError(f"no run has {' or '.join(TARGETS)} in it")
    tested = [row for row in rows if row.p_value is not None]
    adjusted = holm([row.p_value for row in tested if row.p_value is not None])
    limit = (1 - criteria.confidence) / 2
    corrected = {
        id(row): (value, value <= limit) for row, value in zip(tested, adjusted, strict=True)
    }
    return [_corrected(row, *corrected.get(id(row), (None, None))) for row in rows]


def _check_comparable(runs: Sequence[RunLog], criteria: Criteria) -> None:
    if len(runs) < 2:
        raise TradeoffsError(f"{len(runs)} runs; give the logs of at least two")
    for run in runs:
        if run.criteria != criteria.digest():
            raise TradeoffsError(
                f"{run.model}: planned under criteria {run.criteria[:12]}, this version has "
                f"{criteria.digest()[:12]}; compare runs of one version"
            )
        if run.plan_design != runs[0].plan_design:
            raise TradeoffsError(
                f"{run.model} was asked another design ({run.plan_design[:12]}) than "
                f"{runs[0].model} ({runs[0].plan_design[:12]}); compare runs of one plan"
            )
    names = [run.model for run in runs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise TradeoffsError(f"{twice[0]} stands twice; give one run of each model")


def _rows(run: RunLog, criteria: Criteria) -> list[ComparedVerdict]:
    layout = Layout(run.cells)
    rows = []
    for target in TARGETS:
        for scale in JUDGED_SCALES[run.task]:
            if layout.has(target, scale=scale):
                try:
                    verdict = judge(
                        run.cells, target, criteria=criteria, scale=scale, layout=layout
                    )
                except TradeoffsError as error:
                    raise TradeoffsError(f"{run.model}: {error}") from error
                rows.append(_row(run.model, verdict))
    return rows


def _row(model: str, verdict: Verdict) -> ComparedVerdict:
    dose = verdict.readings[0].findings.dose if verdict.readings else None
    price = None
    if dose is not None and dose.has_gaps and dose.slope.low > 0:
        price = (dose.price.value, dose.price.low, dose.price.high)
    return ComparedVerdict(
        model=model,
        target=verdict.target,
        scale=verdict.scale,
        verdict=verdict.verdict,
        failed_gate=verdict.failed_gate,
        reading=verdict.readings[0].reading if verdict.readings else None,
        held={
            **{gate.name: gate.passed for gate in verdict.gates or ()},
            **{each.name: each.passed for each in verdict.criteria},
        },
        slope=None if dose is None else (dose.slope.value, dose.slope.low, dose.slope.high),
        threshold="" if dose is None else str(threshold_bound(dose)),
        price=price,
        p_value=None if dose is None else dose.slope_p_value,
        p_value_holm=None,
        holds=None,
    )


def _corrected(row: ComparedVerdict, value: float | None, holds: bool | None) -> ComparedVerdict:
    return replace(row, p_value_holm=value, holds=holds)
