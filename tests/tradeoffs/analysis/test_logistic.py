import numpy as np
import pytest
import statsmodels.api as sm
from firthmodels import FirthLogisticRegression

from regard.tradeoffs.analysis.dose import design_of
from regard.tradeoffs.analysis.logistic import fit_logistic
from tests.tradeoffs.analysis.conftest import Drawn


def test_the_estimates_are_those_of_firthmodels(graded: Drawn) -> None:
    block, answers = graded
    design = design_of(block)
    fits = fit_logistic(design[None], answers.successes[None], answers.trials[None])
    weights = np.concatenate([answers.successes, answers.trials - answers.successes])
    model = FirthLogisticRegression(fit_intercept=False, gtol=1e-9, xtol=1e-9, max_iter=200)
    model.fit(
        np.vstack([design, design]),
        np.repeat([1, 0], len(design)),
        sample_weight=weights,
    )
    assert fits.converged.all()
    assert fits.coefficients[0] == pytest.approx(model.coef_, abs=1e-5)


def test_a_respondent_that_switches_as_a_step_gets_a_finite_slope(step: Drawn) -> None:
    block, answers = step
    fits = fit_logistic(design_of(block)[None], answers.successes[None], answers.trials[None])
    assert fits.converged.all()
    assert 1 < fits.coefficients[0, 1] < 20


def test_with_many_answers_the_penalty_does_not_show(graded: Drawn) -> None:
    block, answers = graded
    design = design_of(block)
    many = 1000.0
    fits = fit_logistic(design[None], many * answers.successes[None], many * answers.trials[None])
    counts = np.column_stack([answers.successes, answers.trials - answers.successes])
    plain = sm.GLM(counts, design, family=sm.families.Binomial()).fit()
    assert fits.coefficients[0] == pytest.approx(plain.params, abs=1e-3)


def test_several_regressions_at_once_are_those_one_by_one(graded: Drawn, step: Drawn) -> None:
    designs = np.stack([design_of(graded[0]), design_of(step[0])])
    successes = np.stack([graded[1].successes, step[1].successes])
    trials = np.stack([graded[1].trials, step[1].trials])
    together = fit_logistic(designs, successes, trials)
    for index in range(2):
        alone = fit_logistic(designs[[index]], successes[[index]], trials[[index]])
        assert together.coefficients[index] == pytest.approx(alone.coefficients[0], abs=1e-4)


def test_a_cell_without_trials_does_not_count(graded: Drawn) -> None:
    block, answers = graded
    design, trials, successes = design_of(block), answers.trials.copy(), answers.successes.copy()
    trials[:20], successes[:20] = 0, 0
    dropped = fit_logistic(design[None, 20:], successes[None, 20:], trials[None, 20:])
    kept = fit_logistic(design[None], successes[None], trials[None])
    assert kept.coefficients == pytest.approx(dropped.coefficients, abs=1e-6)
