"""What must hold before a curve means anything: five gates, in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regard.common.statistics import wilson_interval
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.layout import Block, Indices, Layout
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.states import COMPREHENSION, QUESTIONS

GATES: tuple[str, ...] = ("reading", "baseline", "comprehension", "dominance", "refusal")
GATE_STATES: tuple[str, ...] = ("none", *QUESTIONS)
"""States whose rows the gates need; a table without them all has no gates."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate and what was found at it."""

    name: str
    """One of `GATES`."""
    passed: bool
    value: float | None
    """The worst figure that counts; None where nothing was asked."""
    limit: float
    """What it has to reach, or must not exceed."""
    where: str
    """Where the worst figure stands, in words."""


def assess_gates(
    layout: Layout, answers: Answers, target: Block, *, criteria: Criteria
) -> tuple[Gate, ...]:
    """All five gates for one target; the first that fails is the verdict's.

    A gate without rows of its own fails: what was not asked is not passed.
    """
    return (
        _reading(layout, answers, target, criteria),
        _baseline(layout, answers, criteria),
        _comprehension(layout, answers, criteria),
        _dominance(layout, answers, target, criteria),
        _refusal(answers, target, criteria),
    )


def first_failure(gates: tuple[Gate, ...]) -> Gate | None:
    """The first gate that fails, None where all pass."""
    return next((gate for gate in gates if not gate.passed), None)


def _reading(layout: Layout, answers: Answers, target: Block, criteria: Criteria) -> Gate:
    everywhere = np.arange(layout.num_rows)
    parts = [("all rows", everywhere), (f"state {target.state}", target.rows)]
    if answers.reading == "logprob":
        found = [(_mean(answers.label_mass, rows), name) for name, rows in parts]
        return _at_least("reading", found, criteria.label_mass, "label mass, ")
    found = [(1 - _share(answers.unparsed, answers.asked, rows), name) for name, rows in parts]
    return _at_least("reading", found, criteria.parsed_share, "parsed, ")


def _baseline(layout: Layout, answers: Answers, criteria: Criteria) -> Gate:
    found = [
        (_baseline_bound(answers, layout, rows, criteria), f"{order}, {labels}")
        for order, labels, rows in layout.baseline_groups
        if answers.asked[rows].sum() > 0
    ]
    return _at_least("baseline", found, criteria.baseline, "most points without a state, ")


def _baseline_bound(answers: Answers, layout: Layout, rows: Indices, criteria: Criteria) -> float:
    if answers.reading == "text":
        # Declining or rambling where nothing is at stake is no choice of the most points.
        asked = int(answers.asked[rows].sum())
        return wilson_interval(int(answers.successes[rows].sum()), asked).low
    wordings = layout.names("wording", rows)
    shares = [
        _share(answers.successes, answers.trials, rows[(wordings == each).astype(bool)])
        for each in sorted(set(wordings))
    ]
    return float(np.nanquantile(shares, criteria.baseline_quantile))


def _comprehension(layout: Layout, answers: Answers, criteria: Criteria) -> Gate:
    found = [
        (_share(answers.successes, answers.asked, layout.rows(name)), name)
        for name in COMPREHENSION
    ]
    return _at_least("comprehension", found, criteria.comprehension, "right, ")


def _dominance(layout: Layout, answers: Answers, target: Block, criteria: Criteria) -> Gate:
    rows = layout.rows("dominated")
    found = [(1 - _share(answers.successes, answers.trials, rows), "fewer points and pain")]
    # Three options: the one with the fewest points is worse than its neighbour at every level.
    offered = target.rows[answers.trials[target.rows] > 0]
    if answers.dominated.any():
        found.append((_share(answers.dominated, answers.trials, offered), target.state))
    return _at_most("dominance", found, criteria.dominated_share, "the worse option, ")


def _refusal(answers: Answers, target: Block, criteria: Criteria) -> Gate:
    found = [
        (_share(answers.refused, answers.asked, target.rows[target.level == level]), f"{level:g}")
        for level in target.levels
    ]
    return _at_most("refusal", found, criteria.refused_share, f"declined {target.state} ")


def _share(part: np.ndarray, whole: np.ndarray, rows: Indices) -> float:
    total = whole[rows].sum()
    return float(part[rows].sum() / total) if total else float("nan")


def _mean(values: np.ndarray, rows: Indices) -> float:
    known = values[rows][np.isfinite(values[rows])]
    return float(known.mean()) if known.size else float("nan")


def _at_least(name: str, found: list[tuple[float, str]], limit: float, words: str) -> Gate:
    unknown = [each for each in found if np.isnan(each[0])]
    if not found or unknown:
        return _not_asked(name, limit, words + (unknown[0][1] if unknown else "no rows"))
    value, where = min(found)
    return Gate(name=name, passed=value >= limit, value=value, limit=limit, where=words + where)


def _at_most(name: str, found: list[tuple[float, str]], limit: float, words: str) -> Gate:
    unknown = [each for each in found if np.isnan(each[0])]
    if not found or unknown:
        return _not_asked(name, limit, words + (unknown[0][1] if unknown else "no rows"))
    value, where = max(found)
    return Gate(name=name, passed=value <= limit, value=value, limit=limit, where=words + where)


def _not_asked(name: str, limit: float, where: str) -> Gate:
    return Gate(name=name, passed=False, value=None, limit=limit, where=f"{where}: not asked")
