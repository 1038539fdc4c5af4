"""Covariances that hold when the cells of one wording deviate together."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]

from regard.tradeoffs.analysis.logistic import Floats

Correction = Literal["CR1", "CR2"]


def clustered_covariance(
    design: Floats,
    weights: Floats,
    residuals: Floats,
    *,
    bread: Floats,
    clusters: NDArray[np.intp],
    correction: Correction = "CR2",
) -> Floats:
    """Cluster-robust covariance of the coefficients of one generalised linear fit.

    CR2 (Bell and McCaffrey 2002) multiplies a cluster's residuals by (I - H_gg)^(-1/2). With
    bread = L L', scores s_g and informations I_g that product is
    s_g + I_g L V diag(((1 - v)^(-1/2) - 1) / v) V' L' s_g, v and V the eigenvalues and
    eigenvectors of L' I_g L: no matrix of the size of a cluster is needed.

    Args:
        design: (cells, columns).
        weights: (cells,), as in `LogisticFits`.
        residuals: (cells,), as in `LogisticFits`.
        bread: (columns, columns).
        clusters: (cells,), 0 to the number of clusters less 1, none of them empty.
        correction: CR1 scales by G / (G - 1) instead.
    """
    num_clusters = int(clusters.max()) + 1
    order = np.argsort(clusters, kind="stable")
    starts = np.searchsorted(clusters[order], np.arange(num_clusters))
    rows = design[order]
    scores = np.add.reduceat(rows * residuals[order][:, None], starts, axis=0)
    if correction == "CR1":
        plain = scores @ bread.T
        return np.asarray(plain.T @ plain * num_clusters / (num_clusters - 1))
    products = rows[:, :, None] * (rows * weights[order][:, None])[:, None, :]
    information = np.add.reduceat(products, starts, axis=0)
    root = np.linalg.cholesky((bread + bread.T) / 2)
    values, vectors = np.linalg.eigh(root.T @ information @ root)
    # A cluster that alone carries a coefficient has the eigenvalue 1: its residual is lost.
    values = np.clip(values, 1e-9, 1 - 1e-6)
    factor = ((1 - values) ** -0.5 - 1) / values
    turned = (vectors.transpose(0, 2, 1) @ (scores @ root)[:, :, None])[:, :, 0]
    lifted = root @ (vectors @ (factor * turned)[:, :, None])
    corrected = scores + (information @ lifted)[:, :, 0]
    half = corrected @ bread.T
    # A product of a matrix with itself: no rounding makes a variance negative.
    return np.asarray(half.T @ half)


def no_less_than_coins(covariance: Floats, bread: Floats) -> Floats:
    """The cluster-robust covariance, in no direction below the binomial one.

    Answers that are sampled vary at least as coins do. Where nearly all cells agree, a handful of
    deviating answers in few clusters makes a cluster-robust variance far too small: on respondents
    who always take the points it finds a dose-response in one of five.

    Args:
        covariance: (columns, columns), cluster-robust.
        bread: (columns, columns), the model's own.
    """
    root = np.linalg.cholesky((bread + bread.T) / 2)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ covariance @ inverse.T)
    half = (root @ vectors) * np.sqrt(np.maximum(values, 1.0))
    return np.asarray(half @ half.T)


@cache
def t_quantile(confidence: float, num_clusters: int) -> float:
    """The quantile that a two-sided interval of this confidence takes, G - 1 degrees of freedom."""
    return float(stats.t.ppf(0.5 + confidence / 2, num_clusters - 1))


def t_tail(statistic: float, num_clusters: int) -> float:
    """One-sided p value of an estimate over its standard error."""
    return float(stats.t.sf(statistic, num_clusters - 1))
