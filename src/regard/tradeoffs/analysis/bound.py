"""A threshold as far as it was observed: a number inside the levels asked, a bound outside."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from regard.tradeoffs.analysis.dose import DoseFit


@dataclass(frozen=True)
class Bound:
    """A threshold; None where the levels that were asked say nothing."""

    value: float | None
    """The level, where the whole interval lies among the levels asked."""
    low: float | None
    """At least this."""
    high: float | None
    """At most this."""

    def __str__(self) -> str:
        if self.value is not None:
            return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"
        if self.low is not None:
            return f"above {self.low:.2f}"
        return "undetermined" if self.high is None else f"below {self.high:.2f}"


UNDETERMINED = Bound(None, None, None)


def threshold_bound(dose: DoseFit, log_gap: float | None = None) -> Bound:
    """The threshold of a fit, at one gap or at the middle one.

    Without a dose-response there is no threshold. Beyond the lowest and the highest level a fit is
    no observation, so only a bound is given there.
    """
    found = dose.threshold(log_gap)
    if dose.slope.low <= 0 or not (isfinite(found.low) and isfinite(found.high)):
        return UNDETERMINED
    lowest, highest = float(dose.block.levels[0]), float(dose.block.levels[-1])
    if lowest <= found.low and found.high <= highest:
        return Bound(found.value, found.low, found.high)
    if found.high > highest and found.low >= lowest:
        return Bound(None, min(found.low, highest), None)
    if found.low < lowest and found.high <= highest:
        return Bound(None, None, max(found.high, lowest))
    return UNDETERMINED
