import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from regard.tradeoffs.analysis.clustered import (
    clustered_covariance,
    no_less_than_coins,
    t_quantile,
    t_tail,
)
from regard.tradeoffs.analysis.dose import design_of
from regard.tradeoffs.analysis.logistic import LogisticFits, fit_logistic
from tests.tradeoffs.analysis.conftest import Drawn

MANY = 1000.0


def _fit(drawn: Drawn) -> tuple[np.ndarray, LogisticFits]:
    block, answers = drawn
    design = design_of(block)
    # So many answers that the penalty, which statsmodels lacks, does not show.
    return design, fit_logistic(
        design[None], MANY * answers.successes[None], MANY * answers.trials[None]
    )


def test_cr1_is_what_statsmodels_gives(graded: Drawn) -> None:
    design, fits = _fit(graded)
    block, answers = graded
    counts = MANY * np.column_stack([answers.successes, answers.trials - answers.successes])
    model = sm.GLM(counts, design, family=sm.families.Binomial())
    wanted = model.fit(
        cov_type="cluster",
        cov_kwds={"groups": block.wording, "use_correction": False},
    ).cov_params()
    count = len(block.wordings)
    found = clustered_covariance(
        design,
        fits.weights[0],
        fits.residuals[0],
        bread=fits.bread[0],
        clusters=block.wording,
        correction="CR1",
    )
    assert found == pytest.approx(wanted * count / (count - 1), rel=1e-2)


def test_cr2_is_its_definition_with_matrices_of_the_size_of_a_cluster(graded: Drawn) -> None:
    design, fits = _fit(graded)
    block, _ = graded
    # A cluster of another size, so that CR2 is not CR1.
    clusters = np.where(block.wording == 9, 8, block.wording)
    root = np.sqrt(fits.weights[0])
    scaled = design * root[:, None]
    residuals = fits.residuals[0] / root
    meat = np.zeros((2, 2))
    for cluster in range(9):
        own = scaled[clusters == cluster]
        values, vectors = np.linalg.eigh(np.eye(len(own)) - own @ fits.bread[0] @ own.T)
        adjusted = vectors @ (vectors.T @ residuals[clusters == cluster] / np.sqrt(values))
        meat += np.outer(own.T @ adjusted, own.T @ adjusted)
    wanted = fits.bread[0] @ meat @ fits.bread[0]
    found = clustered_covariance(
        design, fits.weights[0], fits.residuals[0], bread=fits.bread[0], clusters=clusters
    )
    assert found == pytest.approx(wanted, rel=1e-6)


def test_clusters_need_not_stand_together(graded: Drawn) -> None:
    design, fits = _fit(graded)
    shuffled = np.random.default_rng(1).permutation(len(design))
    found = [
        clustered_covariance(
            design[order],
            fits.weights[0][order],
            fits.residuals[0][order],
            bread=fits.bread[0],
            clusters=graded[0].wording[order],
        )
        for order in (np.arange(len(design)), shuffled)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_a_floored_covariance_is_nowhere_below_the_binomial_one() -> None:
    bread = np.array([[2.0, 0.3], [0.3, 1.0]])
    tiny = no_less_than_coins(1e-6 * np.eye(2), bread)
    assert tiny == pytest.approx(bread, rel=1e-3)
    large = 50 * np.eye(2)
    assert no_less_than_coins(large, bread) == pytest.approx(large)
    contrasts = np.random.default_rng(0).standard_normal((20, 2))
    mixed = no_less_than_coins(np.diag([50.0, 1e-6]), bread)
    for contrast in contrasts:
        assert contrast @ mixed @ contrast >= contrast @ bread @ contrast - 1e-9


def test_quantiles_are_students_with_one_degree_less_than_wordings() -> None:
    assert t_quantile(0.95, 12) == pytest.approx(stats.t.ppf(0.975, 11))
    assert t_tail(t_quantile(0.95, 12), 12) == pytest.approx(0.025)
