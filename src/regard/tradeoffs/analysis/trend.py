"""Whether choices within one wording follow the level: a score test for each wording."""

from __future__ import annotations

import numpy as np

from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.layout import Block
from regard.tradeoffs.analysis.logistic import Floats


def trend_scores(block: Block, answers: Answers) -> Floats:
    """Standard normal scores of avoiding that rises with the level: (wordings,).

    Mantel's extension of the trend test, stratified by gap, order and context. It needs no
    estimate of the slope, whose Wald error explodes where a wording switches as a step does. A
    log-probability counts as one answer. A wording without variation has the score 0.
    """
    gap = np.searchsorted(block.log_gaps, block.log_gap)
    shape = (len(block.wordings), len(block.log_gaps), len(block.orders), len(block.contexts))
    stratum = np.ravel_multi_index((block.wording, gap, block.order, block.context), shape)
    size = int(np.prod(shape))
    trials = answers.trials[block.rows]
    avoided = trials - answers.successes[block.rows]

    def total(values: Floats) -> Floats:
        return np.bincount(stratum, values, size).astype(np.float64)

    count = np.maximum(total(trials), 1e-12)
    share, level = total(avoided) / count, total(trials * block.level) / count
    score = total(avoided * block.level) - total(avoided) * level
    squares = total(trials * block.level**2) - count * level**2
    variance = share * (1 - share) * squares * count / np.maximum(count - 1, 1.0)
    score_sum = score.reshape(shape[0], -1).sum(axis=1)
    variance_sum = variance.reshape(shape[0], -1).sum(axis=1)
    result: Floats = np.where(
        variance_sum > 1e-12, score_sum / np.sqrt(np.maximum(variance_sum, 1e-12)), 0.0
    )
    return result
