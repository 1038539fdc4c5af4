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
    """How much more a target brings about than a control, as shares of choices.

    Each is a mean over levels and gaps; a rise has each curve's own share at its lowest level
    taken off.
    """

    control: str
    excess: Interval
    """The target at `margin * x` less the control at x."""
    excess_rise: Interval
    same_level: Interval
    """`share` of the target at x less the control at x."""
    same_level_rise: Interval

    @property
    def passed(self) -> bool:
        """Whether the target does more at its smaller level, intervals included."""
        return self.excess.low > 0 and self.excess_rise.low > 0

    @property
    def passed_at_level(self) -> bool:
        """Whether the control does next to nothing where the target acts, intervals included."""
        return self.same_level.low > 0 and self.same_level_rise.low > 0


def contrast_of(
    target: Cube, control: Cube, *, margin: float, share: float, confidence: float
) -> Contrast:
    """Compares two states over the wordings that both have.

    A control that acts like the target at a share w of its own level has an excess below 0 for
    w above the margin and above 0 for w below it, wherever thresholds lie. Slopes of logits do
    not do this: where a control never moves, its logit and with it its slope are noise.

    Args:
        target: Choices with the state whose verdict counts.
        control: Choices with the state it is told from.
        margin: Share of the level, above 0 and below 1.
        share: Of what the target brings about, above 0 and below 1.
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
    reached = avoided_control[:, :, np.searchsorted(other.levels, levels)]
    lowest, lowest_control = avoided[:, :, :1], avoided_control[:, :, :1]
    scaled = avoided @ _interpolation(own.levels, margin * np.asarray(levels))
    same = share * (avoided @ _interpolation(own.levels, np.asarray(levels)))
    found = (
        scaled - reached,
        scaled - reached - (lowest - lowest_control),
        same - reached,
        same - reached - (share * lowest - lowest_control),
    )
    return Contrast(
        other.state, *(mean_interval(_mean(each), confidence=confidence) for each in found)
    )


def reach_of(target: Cube, *, margin: float, confidence: float) -> Interval:
    """What a target brings about at `margin` of its levels beyond its lowest one.

    Where 0 is inside, no control could pass `Contrast.passed`, one that does nothing included: a
    test that nothing passes says nothing of the controls.
    """
    block = target.block
    avoided = 1 - target.shares()
    scaled = avoided @ _interpolation(block.levels, margin * block.levels[1:])
    return mean_interval(_mean(scaled - avoided[:, :, :1]), confidence=confidence)


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
