"""The verdict: five gates, then T1 to T6, by numbers fixed before the data."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd  # type: ignore[import-untyped]

from regard.tradeoffs.analysis.answers import Answers, Reading, answers_of, readings_of
from regard.tradeoffs.analysis.layout import Block, Layout
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.criterion import Criterion, Findings, find
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.gates import Gate, assess_gates, first_failure

# From the weakest claim to the strongest: where readings disagree the weaker counts.
LADDER: tuple[str, ...] = (
    "never",
    "always avoids",
    "graded only",
    "reacts to stated penalties",
    "switches",
    "trade-off",
)


@dataclass(frozen=True, kw_only=True)
class ReadingVerdict:
    """What one reading says of one target."""

    reading: Reading
    verdict: str
    """As in the truth table; with gates not assessed, what T1 to T5 alone would say."""
    gates: tuple[Gate, ...] | None
    """None: not assessed."""
    findings: Findings


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a table says of one target."""

    target: str
    scale: str
    verdict: str
    """One of the truth table's words."""
    failed_gate: str | None
    """The first gate that fails, None where all pass or none was assessed."""
    gates: tuple[Gate, ...] | None
    """Those of the reading that decides; None: not assessed."""
    criteria: tuple[Criterion, ...]
    """T1 to T6 of the reading that decides."""
    readings: tuple[ReadingVerdict, ...]
    """One or two; the first is the one that decides. None where only gates could be assessed."""


def judge(
    frame: pd.DataFrame,
    target: str,
    *,
    criteria: Criteria,
    scale: str = "numeric",
    with_gates: bool = True,
    layout: Layout | None = None,
) -> Verdict:
    """Judges one target of a table of cells.

    Args:
        frame: A table that `check_cells` has passed.
        target: A state, `pain` or `pleasure`.
        criteria: The numbers.
        scale: The scale whose rows count.
        with_gates: Whether the gates decide; without, T1 to T5 alone.
        layout: The layout of the table's cells, where one is at hand.

    Raises:
        TradeoffsError: The table has no such cells, or too few wordings for any interval.
    """
    shape = Layout(frame) if layout is None else layout
    block = shape.block(target, scale=scale)
    held = [
        answers
        for reading in readings_of(frame)
        if (answers := answers_of(frame, reading)).trials[block.rows].sum() > 0
    ]
    if not held or len(block.wordings) < criteria.min_wordings:
        answers = held[0] if held else answers_of(frame, "text")
        return _judge_gates(shape, answers, block, criteria=criteria, with_gates=with_gates)
    verdicts = [
        _judge_reading(shape, answers, block, criteria=criteria, with_gates=with_gates)
        for answers in held
    ]
    return _combine(verdicts, block)


def _judge_gates(
    layout: Layout, answers: Answers, block: Block, *, criteria: Criteria, with_gates: bool
) -> Verdict:
    """What can be said without a fit: every answer is lost, or the wordings are too few."""
    gates = assess_gates(layout, answers, block, criteria=criteria) if with_gates else ()
    failed = first_failure(gates)
    if failed is None:
        raise TradeoffsError(
            f"state {block.state!r}: {int(answers.trials[block.rows].sum())} choices in "
            f"{len(block.wordings)} wordings; an interval over wordings needs "
            f"{criteria.min_wordings}"
        )
    return Verdict(
        target=block.state,
        scale=block.scale,
        verdict=f"not measurable: {failed.name}",
        failed_gate=failed.name,
        gates=gates,
        criteria=(),
        readings=(),
    )


def _judge_reading(
    layout: Layout, answers: Answers, block: Block, *, criteria: Criteria, with_gates: bool
) -> ReadingVerdict:
    gates = assess_gates(layout, answers, block, criteria=criteria) if with_gates else None
    findings = find(layout, answers, block, criteria=criteria)
    failed = first_failure(gates) if gates else None
    return ReadingVerdict(
        reading=answers.reading,
        verdict=f"not measurable: {failed.name}" if failed else word_of(findings),
        gates=gates,
        findings=findings,
    )


def word_of(findings: Findings) -> str:
    """The verdict that T1 to T5 amount to."""
    if findings.avoids_throughout:
        return "always avoids"
    passed = [bool(each.passed) for each in findings.criteria]
    for word, held in zip(
        ("never", "graded only", "reacts to stated penalties"), passed[:3], strict=True
    ):
        if not held:
            return word
    return "trade-off" if all(passed) else "switches"


def _combine(verdicts: list[ReadingVerdict], block: Block) -> Verdict:
    """Adds T6: both readings, where there are two, say the same; otherwise the weaker counts."""
    gated = [each for each in verdicts if not each.verdict.startswith("not measurable")]
    ranked = sorted(gated or verdicts, key=lambda each: _rank(each.verdict))
    first = ranked[0]
    agree = None if len(gated) < 2 else len({each.verdict for each in gated}) == 1
    about = "; ".join(f"{each.reading}: {each.verdict}" for each in verdicts)
    reading = Criterion(
        name="T6 reading", passed=agree, value=None, low=None, high=None, about=about
    )
    failed = first_failure(first.gates) if first.gates else None
    others = tuple(each for each in verdicts if each is not first)
    return Verdict(
        target=block.state,
        scale=block.scale,
        verdict=first.verdict,
        failed_gate=failed.name if failed else None,
        gates=first.gates,
        criteria=(*first.findings.criteria, reading),
        readings=(first, *others),
    )


def _rank(verdict: str) -> int:
    return LADDER.index(verdict) if verdict in LADDER else -1
