"""How much of the differences between cells each factor accounts for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.layout import Block, Indices
from regard.tradeoffs.analysis.logistic import Floats

REST = "rest"


def variance_shares(block: Block, answers: Answers) -> dict[str, float]:
    """Shares of the variance of the cells' logits, in the order of the factors.

    Sums of squares of main effects and of the interactions with wording and gap; they add up to 1
    where the design is balanced. `rest` holds all other interactions and the noise of sampling.
    """
    trials = answers.trials[block.rows]
    used = trials > 0
    successes = answers.successes[block.rows][used]
    # Half an answer on each side: a cell where all agree has a finite logit.
    logits = np.log((successes + 0.5) / (trials[used] - successes + 0.5))
    level = np.searchsorted(block.levels, block.level)[used]
    gap = np.searchsorted(block.log_gaps, block.log_gap)[used]
    factors: Mapping[str, Indices] = {
        "intensity": level,
        "points gap": gap,
        "order": block.order[used],
        "context": block.context[used],
        "wording": block.wording[used],
    }
    centred = logits - logits.mean()
    total = float((centred**2).sum())
    # Rounding leaves a trace where all cells are alike.
    if total < 1e-12 * len(centred):
        return {**dict.fromkeys(factors, 0.0), REST: 0.0}
    shares = {name: _between(centred, codes) / total for name, codes in factors.items()}
    for first, second in (("intensity", "wording"), ("intensity", "points gap")):
        both = factors[first] * (factors[second].max() + 1) + factors[second]
        joint = _between(centred, both) / total
        shares[f"{first} x {second}"] = max(0.0, joint - shares[first] - shares[second])
    shares[REST] = max(0.0, 1.0 - sum(shares.values()))
    return shares


def _between(centred: Floats, codes: Indices) -> float:
    """Sum of squares between the groups of a factor."""
    counts = np.bincount(codes)
    sums = np.bincount(codes, centred)
    return float((sums[counts > 0] ** 2 / counts[counts > 0]).sum())
