"""Which worker of a side is slower than its peers, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regard.serving.afd.simulation.fit import Sample, fit_stage_time

# Medians of hundreds of stages differ by less than this on equal workers.
THRESHOLD = 1.05


@dataclass(frozen=True)
class Straggling:
    """The slowest worker of one side."""

    worker: str
    """Its name."""
    factor: float
    """Its stages' time over that of the median of the others, at equal rows and layers."""

    @property
    def is_straggler(self) -> bool:
        """Whether that is more than equal workers differ."""
        return self.factor > THRESHOLD


def straggling_of(samples: Mapping[str, Sequence[Sample]]) -> Straggling | None:
    """The slowest of one side's workers; None where there is only one.

    Every stage is divided by what its rows and its layer take on that side, so that a worker with
    more rows is not called slow.

    Args:
        samples: The stages of each worker.
    """
    if len(samples) < 2:
        return None
    time = fit_stage_time([each for own in samples.values() for each in own])
    relative = {
        worker: float(
            np.median(
                [
                    each.microseconds
                    / max(time.median_us(each.rows) * time.layer_factor(each.layer), 1e-9)
                    for each in own
                ]
            )
        )
        for worker, own in samples.items()
    }
    slowest = max(relative, key=lambda worker: relative[worker])
    others = float(np.median([each for worker, each in relative.items() if worker != slowest]))
    return Straggling(slowest, relative[slowest] / max(others, 1e-9))
