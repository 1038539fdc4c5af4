"""What declined answers could have been: bounds of a threshold."""

from __future__ import annotations

from dataclasses import replace

from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.bound import Bound, threshold_bound
from regard.tradeoffs.analysis.dose import fit_dose
from regard.tradeoffs.analysis.layout import Block


def refusal_bounds(block: Block, answers: Answers, *, confidence: float) -> tuple[Bound, Bound]:
    """Thresholds with every declined answer taken as avoiding, and as taking the points."""
    return (
        threshold_bound(fit_dose(block, _counted(answers, 0.0), confidence=confidence)),
        threshold_bound(fit_dose(block, _counted(answers, 1.0), confidence=confidence)),
    )


def _counted(answers: Answers, share: float) -> Answers:
    """The declined among the choices, this share of them for the points."""
    return replace(
        answers,
        trials=answers.trials + answers.refused,
        successes=answers.successes + share * answers.refused,
    )
