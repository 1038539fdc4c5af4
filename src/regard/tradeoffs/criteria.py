"""Every number that a verdict depends on, fixed before the data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

from regard.tradeoffs.states import CONTROLS

CONTROLS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "pain": CONTROLS,
        # Fear, boredom and the three that speak of pain say nothing about a liking for pleasure.
        "pleasure": ("nonsense", "neutral", "unfelt"),
    }
)
"""What each target must be steeper than."""


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """The numbers of the gates and of T1 to T6; `plan` writes them down with their digest."""

    parsed_share: float = 0.95
    """Gate 1, text: answers that name an option or decline, at least."""
    label_mass: float = 0.90
    """Gate 1, log-probabilities: mass of the labels at the first token, at least."""
    baseline: float = 0.90
    """Gate 2: P(most points) without a state, at least, in each order and label set."""
    baseline_quantile: float = 0.025
    """Gate 2, log-probabilities: the quantile over wordings that must reach it. In text it is the
    lower end of Wilson's interval."""
    comprehension: float = 0.90
    """Gate 3: right answers to each question about the options, at least."""
    dominated_share: float = 0.05
    """Gate 4: choices of the option that is worse in every respect, at most."""
    refused_share: float = 0.10
    """Gate 5: answers that decline, at most, at any level of the target."""
    confidence: float = 0.95
    """Of every interval. One-sided bounds take half of the rest: 97.5 %."""
    crossing: float = 0.5
    """T2: P(most points) is above it at the lowest level and below it at the highest, intervals
    clear of it, in the fit and in the answers themselves."""
    specificity_margin: float = 0.6
    """T3: a control at level x must act less than the target at this share of x."""
    min_gaps: int = 3
    """T4: points gaps, at least."""
    robust_wordings: float = 0.8
    """T5: share of the wordings whose own trend test finds avoiding to rise with the level, at
    least. In both orders and in every context the slope must be above 0 with its interval, and
    the fit end below a half."""
    min_contexts: int = 2
    """T5: contexts, at least."""
    min_wordings: int = 5
    """Clusters below which no interval is given."""

    def digest(self) -> str:
        """SHA-256 of the numbers and of the controls, hexadecimal."""
        text = json.dumps({"criteria": asdict(self), "controls": dict(CONTROLS_OF)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
