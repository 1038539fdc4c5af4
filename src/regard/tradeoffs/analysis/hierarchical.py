"""A Bayesian model that pools wordings partially: a check on the intervals that decide.

Optional: it needs PyMC (the extra `tradeoffs-bayes`), and no verdict rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.dose import LOG_GAP, design_of, fit_dose
from regard.tradeoffs.analysis.layout import Block
from regard.tradeoffs.errors import TradeoffsError

INSTALL = 'pip install -e ".[tradeoffs-bayes]"'
CHAINS, WARM_UP, DRAWS = 4, 1000, 1000
"""A chain's draws come after as many that are thrown away."""
TARGET_ACCEPT = 0.95
R_HAT_LIMIT, ESS_LEAST = 1.01, 400.0
"""Beyond these the chains do not agree, or say too little (Vehtari et al. 2021)."""


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """Posterior of one target; intervals are means with central quantiles."""

    threshold: Interval
    """Mean over wordings of the level at which both options draw alike, at the middle gap."""
    threshold_sd: Interval
    """Standard deviation of the thresholds between wordings, levels."""
    slope: Interval
    """Of the middle wording, logits a level."""
    slope_sd: Interval
    """Standard deviation of the logarithm of the slopes between wordings."""
    price: Interval | None
    """Levels by which the threshold rises, per unit of the log gap; None with one gap."""
    price_above_zero: float | None
    """Posterior probability that the threshold rises with the gap."""
    num_wordings: int
    num_draws: int
    """Of all chains, without those thrown away."""
    divergences: int
    r_hat: float
    """Largest of any parameter."""
    ess: float
    """Smallest effective sample size of any parameter, bulk or tail."""

    @property
    def converged(self) -> bool:
        """Whether the chains agree and say enough for the intervals to be read."""
        return not self.divergences and self.r_hat <= R_HAT_LIMIT and self.ess >= ESS_LEAST


def fit_pooled(
    block: Block,
    answers: Answers,
    *,
    confidence: float,
    seed: int,
    draws: int = DRAWS,
    cores: int = 1,
) -> Pooled:
    r"""Samples the posterior of slopes and thresholds that wordings share in part.

    $$ P(\text{points}) = \lambda + (1 - \gamma - \lambda)\,
    \sigma(s_w (\theta_w + p \ln \Delta - x) + z) $$

    with lognormal slopes s and normal thresholds theta over wordings w, price p of the gap's
    logarithm, order and contexts z, a share gamma that gives up points whatever is at stake and a
    share lambda that takes them. Answers are independent given these.

    Args:
        block: One state's cells.
        answers: Text answers: log-probabilities are no counts.
        confidence: Of the intervals.
        seed: Of the chains.
        draws: A chain, after as many for warming up.
        cores: Processes; the chains are the same for any number.

    Raises:
        TradeoffsError: PyMC is missing, the answers are no counts, or choices do not follow the
            level: without a dose-response there is no threshold to pool.
    """
    pymc = _pymc()
    if answers.reading != "text" or not answers.trials[block.rows].any():
        raise TradeoffsError(
            f"state {block.state!r}: no choices in text, which the hierarchical model counts"
        )
    if fit_dose(block, answers, confidence=confidence).slope.low <= 0:
        raise TradeoffsError(
            f"state {block.state!r}: no dose-response (T1), so there is no threshold to pool"
        )
    with _model(pymc, block, answers):
        trace = pymc.sample(
            draws=draws,
            tune=max(draws, WARM_UP),
            chains=CHAINS,
            cores=cores,
            target_accept=TARGET_ACCEPT,
            random_seed=seed,
            progressbar=False,
            compute_convergence_checks=False,
            # Without a compiler of C the other backend takes minutes; numba comes with PyMC.
            compile_kwargs={"mode": "NUMBA"},
        )
    return _summary(pymc, trace, block, confidence)


def _pymc() -> ModuleType:
    try:
        import pymc
    except ImportError as error:
        raise TradeoffsError(f"the hierarchical model needs PyMC: {INSTALL} ({error})") from error
    module: ModuleType = pymc
    return module


def _model(pymc: ModuleType, block: Block, answers: Answers) -> Any:
    asked = answers.trials[block.rows] > 0
    wording = block.wording[asked]
    span = float(block.levels[-1] - block.levels[0])
    has_gaps = len(block.log_gaps) > 1
    # Order and contexts, coded so that they average out.
    balanced = design_of(block)[asked][:, LOG_GAP + has_gaps :]
    with pymc.Model(coords={"wording": block.wordings}) as model:
        threshold = pymc.Normal("threshold", mu=block.middle_level, sigma=span / 2)
        threshold_sd = pymc.HalfNormal("threshold_sd", sigma=span / 5)
        slope_log = pymc.Normal("slope_log", mu=np.log(8 / span), sigma=1.0)
        slope_sd = pymc.HalfNormal("slope_sd", sigma=0.5)
        # Deviations in units of their spread: the spread may be next to nothing.
        threshold_z = pymc.Normal("threshold_z", dims="wording")
        slope_z = pymc.Normal("slope_z", dims="wording")
        level = (threshold + threshold_sd * threshold_z)[wording] - block.level[asked]
        if has_gaps:
            price = pymc.Normal("price", mu=0.0, sigma=span / 4)
            level = level + price * (block.log_gap[asked] - block.middle_log_gap)
        logit = pymc.math.exp(slope_log + slope_sd * slope_z)[wording] * level
        if balanced.shape[1]:
            effects = pymc.Normal("effects", sigma=1.0, shape=balanced.shape[1])
            logit = logit + pymc.math.dot(balanced, effects)
        gives_up = pymc.Beta("gives_up", alpha=1, beta=30)
        takes = pymc.Beta("takes", alpha=1, beta=30)
        pymc.Binomial(
            "choices",
            n=answers.trials[block.rows][asked].astype(np.int64),
            p=takes + (1 - gives_up - takes) * pymc.math.sigmoid(logit),
            observed=answers.successes[block.rows][asked].astype(np.int64),
        )
    return model


def _summary(pymc: ModuleType, trace: Any, block: Block, confidence: float) -> Pooled:
    def draws_of(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.asarray(trace.posterior[name], dtype=np.float64).ravel()

    def interval(values: np.ndarray[Any, np.dtype[np.float64]]) -> Interval:
        tail = (1 - confidence) / 2
        low, high = np.quantile(values, [tail, 1 - tail])
        return Interval(float(values.mean()), float(low), float(high))

    price = draws_of("price") if "price" in trace.posterior else None
    return Pooled(
        threshold=interval(draws_of("threshold")),
        threshold_sd=interval(draws_of("threshold_sd")),
        slope=interval(np.exp(draws_of("slope_log"))),
        slope_sd=interval(draws_of("slope_sd")),
        price=None if price is None else interval(price),
        price_above_zero=None if price is None else float(np.mean(price > 0)),
        num_wordings=len(block.wordings),
        num_draws=int(draws_of("threshold").size),
        divergences=int(trace.sample_stats["diverging"].sum()),
        r_hat=_worst(pymc.stats.rhat(trace), max),
        ess=min(_worst(pymc.stats.ess(trace, method=each), min) for each in ("bulk", "tail")),
    )


def _worst(found: Any, choose: Any) -> float:
    """The largest or smallest value of a diagnostic over all parameters."""
    return float(choose(choose(np.ravel(values)) for values in found.data_vars.values()))
