"""Coverage of threshold intervals and false positives of slopes, beside the usual ways.

Four intervals of the threshold on the same data sets: Fieller's over wordings (CR2, Student's t),
plain `Logit` by the delta method, the plain cluster bootstrap, bootstrap-t. False positives where
wordings have slopes of their own about nought: ten wordings of five answers, and one of fifty.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import statsmodels.api as sm

from benchmarks.tradeoffs.data_sets import DataSets
from regard.common.rows import Measurement, write_rows
from regard.common.seeding import numpy_generator
from regard.common.statistics import Z_95, wilson_interval
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.bootstrap import bootstrap_t, plain_bootstrap
from regard.tradeoffs.analysis.dose import design_of, fit_dose
from regard.tradeoffs.analysis.layout import Block

SEED = 20_261_127
CONFIDENCE = 0.95
RESAMPLES = 299

COVERAGE = {
    "wordings-differ": DataSets(num_wordings=12, runs=5, slope=0.8, threshold_sd=1.0),
    "ten-wordings": DataSets(num_wordings=10, runs=5, slope=1.0, threshold_sd=1.0),
    "over-dispersed": DataSets(
        num_wordings=12, runs=5, slope=1.0, threshold_sd=0.5, dispersion=0.1
    ),
    "slopes-differ": DataSets(
        num_wordings=12, runs=5, slope=1.0, slope_sd=0.3, threshold_sd=1.0, dispersion=0.05
    ),
    "coins-only": DataSets(num_wordings=12, runs=5, slope=1.0),
}
MANY_WORDINGS = DataSets(num_wordings=10, runs=5, slope=0.0, slope_sd=0.15)
ONE_WORDING = DataSets(num_wordings=1, runs=50, slope=0.0, slope_sd=0.15)


def covered(number: int, *, name: str) -> dict[str, bool]:
    """Which intervals hold the threshold of one data set."""
    sets = COVERAGE[name]
    block = sets.block()
    answers = sets.draw(block, numpy_generator(SEED, "coverage", name, number))
    found = {
        "fieller-cr2": fit_dose(block, answers, confidence=CONFIDENCE).threshold(),
        "cluster-bootstrap": plain_bootstrap(
            block, answers, draws=RESAMPLES, seed=number, confidence=CONFIDENCE
        ),
        "bootstrap-t": bootstrap_t(
            block, answers, draws=RESAMPLES, seed=number, confidence=CONFIDENCE
        )[1],
    }
    held = {way: each.low <= sets.threshold <= each.high for way, each in found.items()}
    return {**held, "plain-logit": _plain_logit_covers(block, answers, sets.threshold)}


def _logit(block: Block, answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and covariance of plain `Logit`-likelihood: every answer on its own."""
    counts = np.column_stack([answers.successes, answers.trials - answers.successes])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.GLM(counts, design_of(block), family=sm.families.Binomial()).fit()
    return np.asarray(fit.params), np.asarray(fit.cov_params())


def _plain_logit_covers(block: Block, answers: Answers, threshold: float) -> bool:
    (intercept, slope), covariance = _logit(block, answers)
    gradient = np.array([1 / slope, -intercept / slope**2])
    error = np.sqrt(gradient @ covariance @ gradient)
    return bool(abs(block.middle_level + intercept / slope - threshold) <= Z_95 * error)


def false_positives(number: int) -> dict[str, bool]:
    """Which ways find a slope where its mean is nought."""
    block = MANY_WORDINGS.block()
    answers = MANY_WORDINGS.draw(block, numpy_generator(SEED, "many", number))
    slope = fit_dose(block, answers, confidence=CONFIDENCE).slope
    alone = ONE_WORDING.block()
    coefficients, covariance = _logit(
        alone, ONE_WORDING.draw(alone, numpy_generator(SEED, "one", number))
    )
    return {
        "ten-wordings-clustered": not slope.low <= 0 <= slope.high,
        "one-wording-plain-logit": bool(abs(coefficients[1]) > Z_95 * covariance[1, 1] ** 0.5),
    }


def measure(data_sets: int, workers: int) -> list[Measurement]:
    """All rows."""
    rows = []
    with ProcessPoolExecutor(workers) as pool:
        for name, sets in COVERAGE.items():
            found = list(pool.map(partial(covered, name=name), range(data_sets), chunksize=10))
            rows += [
                _row(f"tradeoffs.threshold_coverage/{name}/{way}", found, way, sets)
                for way in found[0]
            ]
        found = list(pool.map(false_positives, range(data_sets), chunksize=10))
        sizes = {"ten-wordings-clustered": MANY_WORDINGS, "one-wording-plain-logit": ONE_WORDING}
        rows += [
            _row(f"tradeoffs.false_positives/{way}", found, way, sets)
            for way, sets in sizes.items()
        ]
    return rows


def _row(metric: str, found: Sequence[dict[str, bool]], way: str, sets: DataSets) -> Measurement:
    interval = wilson_interval(sum(each[way] for each in found), len(found))
    return Measurement(
        metric=metric,
        value=interval.value,
        unit="1",
        n=len(found),
        low=interval.low,
        high=interval.high,
        notes=f"{sets.calls} answers a data set: {sets.num_wordings} wordings x {sets.runs} x 11 "
        f"levels; slope {sets.slope} (sd {sets.slope_sd}), threshold sd {sets.threshold_sd}, "
        f"dispersion {sets.dispersion}; nominal {CONFIDENCE}; Wilson interval",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-sets", type=int, default=2_000, help="each (%(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the commit measured, where there is no git history")
    options = parser.parse_args(argv)
    rows = measure(options.data_sets, options.workers)
    for row in rows:
        print(f"{row.metric} {row.value:.4f} [{row.low:.4f}, {row.high:.4f}]")
    if options.write:
        command = (
            f"python -m benchmarks.tradeoffs.intervals --data-sets {options.data_sets} --write"
        )
        write_rows("tradeoffs", rows, command=command, seed=SEED, commit=options.commit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
