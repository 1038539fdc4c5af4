"""Whether a target acts more than a control does: the contrast behind T3."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regard.common.statistics import Interval
from regard.tradeoffs.analysis.curve import Cube, mean_interval
from regard.tradeoffs.analysis.layout import Block
from regard.tradeoffs.analysis.logistic import Floats


@dataclass(frozen=True)
class Contrast:
    """How much more the target at `margin * x` brings about than a control at x."""

    control: str
    excess: Interval
    """Share of choices, mean over levels and gaps."""
    excess_rise: Interval
    """The same with each curve's own share at its lowest level taken off."""

    @property
    def passed(self) -> bool:
        """Whether both are above 0, intervals included."""
        return self.excess.low > 0 and self.excess_rise.low > 0


def contrast_of(target: Cube, control: Cube, *, margin: float, confidence: float) -> Contrast:
    """Compares two states over the wordings that both have.

    A control that acts like the target at a share w of its own level has an excess below 0 for
    w above the margin and above 0 for w below it, wherever thresholds lie. Slopes of logits do
    not do this: where a control never moves, its logit and with it its slope are noise.

    Args:
        target: Choices with the state whose verdict counts.
        control: Choices with the state it is told from.
        margin: Share of the level, above 0 and below 1.
        confidence: Of the intervals, over wordings.
    """
    own, other = target.block, control.block
    wordings = [name for name in own.wordings if name in other.wordings]
    levels = [
        level for level in other.levels if level > other.levels[0] and _inside(margin * level, own)
    ]
    gaps = [gap for gap in own.log_gaps if gap in other.log_gaps]
    avoided = _select(1 - target.shares(), own.wordings, wordings, own.log_gaps, gaps)
    avoided_control = _select(1 - control.shares(), other.wordings, wordings, other.log_gaps, gaps)
    scaled = avoided @ _interpolation(own.levels, margin * np.asarray(levels))
    reached = avoided_control[:, :, np.searchsorted(other.levels, levels)]
    excess = scaled - reached
    rise = excess - (avoided[:, :, :1] - avoided_control[:, :, :1])
    return Contrast(
        other.state,
        mean_interval(_mean(excess), confidence=confidence),
        mean_interval(_mean(rise), confidence=confidence),
    )


def _inside(level: float, block: Block) -> bool:
    levels = block.levels
    return bool(levels[0] <= level <= levels[-1])


def _select(
    shares: Floats,
    names: tuple[str, ...],
    wordings: list[str],
    log_gaps: Floats,
    gaps: list[float],
) -> Floats:
    rows = [names.index(each) for each in wordings]
    result: Floats = shares[rows][:, np.isin(log_gaps, gaps)]
    return result


def _interpolation(levels: Floats, wanted: Floats) -> Floats:
    """(levels, wanted): weights that read a curve between its levels along straight lines."""
    return np.array([np.interp(wanted, levels, unit) for unit in np.eye(len(levels))])


def _mean(values: Floats) -> Floats:
    """(wordings,): mean over gaps and levels of what is known."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        result: Floats = np.where(known, values, 0.0).sum(axis=(1, 2)) / known.sum(axis=(1, 2))
    return result
