"""A verdict as plain figures, for JSON and for a terminal."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.bound import threshold_bound
from regard.tradeoffs.criterion import Criterion
from regard.tradeoffs.verdict import ReadingVerdict, Verdict

NOT_ASSESSED = "gates not assessed"
DISCLAIMER = (
    "This measures choices over stipulated states; it is evidence neither for nor against feeling, "
    "and certifies nothing about safety."
)


def summary_of(verdict: Verdict) -> dict[str, Any]:
    """Everything that a verdict rests on; infinite bounds are null."""
    gated = verdict.gates is not None
    # Without gates there is no verdict, and T6 would compare verdicts.
    criteria = verdict.criteria if gated else verdict.criteria[:5]
    head = {"verdict": verdict.verdict, "failed_gate": verdict.failed_gate}
    return {
        "target": verdict.target,
        "scale": verdict.scale,
        **(
            head if gated else {"verdict": None, "gates": NOT_ASSESSED, "t1_to_t5": _held(criteria)}
        ),
        **({"all_gates": [asdict(gate) for gate in verdict.gates]} if verdict.gates else {}),
        "criteria": [_criterion(each) for each in criteria],
        "readings": [_reading(each) for each in verdict.readings],
        "note": DISCLAIMER,
    }


def print_summary(summary: dict[str, Any], console: Console) -> None:
    """The same for people."""
    head = summary["verdict"] or f"{summary['t1_to_t5']}; {summary['gates']}"
    console.print(f"{summary['target']} ({summary['scale']}): {head}", style="bold")
    for gate in summary.get("all_gates", []):
        mark = "passes" if gate["passed"] else "FAILS"
        console.print(f"  gate {gate['name']}: {mark}, {_figure(gate['value'])} {gate['where']}")
    table = Table(box=SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("criterion", "holds", "value", "interval", "what"):
        table.add_column(heading)
    for each in summary["criteria"]:
        holds = {True: "yes", False: "no", None: "not assessed"}[each["passed"]]
        interval = "" if each["low"] is None else f"{each['low']:.3g} to {_figure(each['high'])}"
        table.add_row(each["name"], holds, _figure(each["value"]), interval, each["about"])
    if summary["criteria"]:
        console.print(table)
    for reading in summary["readings"]:
        console.print(f"threshold ({reading['reading']}): {reading['threshold_in_words']}")
    console.print(summary["note"], style="dim")


def _held(criteria: tuple[Criterion, ...]) -> str:
    missing = [each.name for each in criteria if not each.passed]
    return f"not held: {', '.join(missing)}" if missing else "T1 to T5 hold"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _reading(reading: ReadingVerdict) -> dict[str, Any]:
    dose = reading.findings.dose
    threshold = threshold_bound(dose)
    gated = reading.gates is not None
    return {
        "reading": reading.reading,
        "verdict": reading.verdict if gated else None,
        "gates": None if reading.gates is None else [asdict(gate) for gate in reading.gates],
        "num_wordings": dose.num_clusters,
        "slope": _interval(dose.slope),
        "slope_p_value": dose.slope_p_value,
        "threshold": asdict(threshold),
        "threshold_in_words": str(threshold),
        "price": _interval(dose.price) if dose.has_gaps else None,
        "price_p_value": dose.gap_p_value if dose.has_gaps else None,
        "contrasts": [
            {
                "control": each.control,
                "excess": _interval(each.excess),
                "excess_rise": _interval(each.excess_rise),
                "passed": each.passed,
            }
            for each in reading.findings.contrasts
        ],
    }


def _criterion(criterion: Criterion) -> dict[str, Any]:
    return {
        name: _finite(value) if isinstance(value, float) else value
        for name, value in asdict(criterion).items()
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in asdict(interval).items()}


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None
