"""The cross-entropy method: a Gaussian that moves to the best of its own samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from regard.cloth.mesh import Array


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """How long and how broadly to search."""

    population: int = 24
    """Samples a round."""

    elites: int = 6
    """Best samples that the next round is drawn around."""

    rounds: int = 3
    """Rounds at most."""

    inertia: float = 0.2
    """Share of the old mean and spread that is kept."""


def minimise(
    cost: Callable[[Array], float],
    mean: Array,
    spread: Array,
    *,
    rng: np.random.Generator,
    config: SearchConfig,
    mean_cost: float | None = None,
    good_enough: float = -np.inf,
) -> tuple[Array, float]:
    """Looks for the vector of least cost; the mean itself is the first one tried.

    Args:
        cost: Of one vector.
        mean: Where to begin, shape (n,).
        spread: Standard deviations to begin with, shape (n,).
        rng: Source of chance.
        config: How long and how broadly to search.
        mean_cost: Cost of the mean where it is known already.
        good_enough: A cost at or below this ends the search.

    Returns:
        The best vector tried, shape (n,), and its cost.
    """
    best, least = mean, cost(mean) if mean_cost is None else mean_cost
    for _ in range(config.rounds):
        samples, costs = [best], [least]
        while len(samples) < config.population and least > good_enough:
            sample = rng.normal(mean, spread)
            samples.append(sample)
            costs.append(cost(sample))
            if costs[-1] < least:
                best, least = sample, costs[-1]
        if least <= good_enough:
            break
        elites = np.array([samples[k] for k in np.argsort(costs)[: config.elites]])
        mean = config.inertia * mean + (1 - config.inertia) * elites.mean(axis=0)
        spread = config.inertia * spread + (1 - config.inertia) * elites.std(axis=0)
    return best, least
