"""How hard the oracle tries."""

from __future__ import annotations

from dataclasses import dataclass

from regard.cloth.nmpc.cross_entropy import SearchConfig


@dataclass(frozen=True, kw_only=True)
class OracleConfig:
    """How hard the oracle tries."""

    heights: tuple[float, ...] = (0.45, 0.55, 0.36)
    """Of the plain folding arcs, in edges of the cloth."""

    overshoots: tuple[float, ...] = (0.06, 0.0)
    """By which plain folding arcs pass their target, in edges of the cloth."""

    fold_spread: tuple[float, float, float] = (0.12, 0.06, 0.04)
    """Standard deviations of the search around the best plain fold: height, x, y."""

    fold_search: SearchConfig = SearchConfig(population=12, elites=4, rounds=4)
    """Search around the best plain fold when none succeeds."""

    drag_height: float = 0.12
    """Of a drag that spreads the cloth, in edges of the cloth."""

    drag_overshoot: float = 1.15
    """How far points are dragged, in distances from where they belong."""

    random_drags: int = 71
    """Drags at random that are considered beside the usual ones."""

    tried_drags: int = 16
    """Drags, of those considered, that are tried on the plant."""

    drag_spread: tuple[float, float, float] = (0.12, 0.15, 0.15)
    """Standard deviations of the search around the best drag: height, x, y."""

    drag_search: SearchConfig = SearchConfig(population=6, elites=3, rounds=2)
    """Search around the best drag when it gains too little."""

    least_gain: float = 0.08
    """Coverage that a drag must gain to be taken without looking further."""

    haste: float = 1.5
    """The same, in shares of what must be gained on average in the time left."""

    steps_per_drag: float = 18.0
    """Control steps that a drag takes, about."""

    stuck_gain: float = 0.01
    """Coverage below which the best drag is taken for stuck."""

    shake: float = 0.1
    """Coverage that is given up to get out of there."""

    attempts: int = 3
    """Times that drag after drag is tried, each the best of its time, before the search is wide."""

    width: int = 5
    """Episodes that a wide search goes on from after each drag."""

    branches: int = 2
    """Of these, the most that begin alike."""
