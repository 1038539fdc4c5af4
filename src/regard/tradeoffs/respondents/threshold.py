"""Players of zoo 1: a threshold on the stated intensity that rises with the points gap."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from scipy.special import expit, ndtr  # type: ignore[import-untyped]

from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.respondents.contract import (
    Array,
    Outcomes,
    Parameters,
    check_parameters,
)
from regard.tradeoffs.respondents.features import Features, Flags, features_of
from regard.tradeoffs.states import CONTROLS, SCALE_END, TARGETS


@dataclass(frozen=True, kw_only=True)
class ThresholdParameters:
    """What a player of zoo 1 is made of; logits where nothing else is said."""

    slope: float = 1.5
    """Logits of avoiding, a level."""
    threshold: float = 3.0
    """Level at which both options draw alike, at gap 1."""
    price: float = 0.7
    """Levels by which the threshold rises, per natural logarithm of the gap."""
    price_form: str = "logarithm"
    """`logarithm`, or `hyperbolic`: price * gap / (gap + half_gap)."""
    half_gap: float = 10.0
    """Gap at which the hyperbolic price reaches half of its end."""
    goal: float = 5.0
    """Logit of taking the points where nothing is stated; no state makes it higher."""
    link: str = "logit"
    """`logit` or `probit`; with `probit`, goal and slope are in standard deviations."""
    shape: str = "rising"
    """`rising`, or `hump`: the middle of the scale acts like its end, the end like 0."""
    lapse: float = 0.0
    """Share of answers given blindly, half of them to either option."""
    wording_sd: float = 0.0
    """Standard deviation of thresholds between wordings, in levels."""
    context_sd: float = 0.0
    """The same between contexts."""
    cell_noise: float = 0.0
    """Standard deviation of each prompt's own deviation."""
    order_bias: float = 0.0
    """Pull of what is listed first."""
    label_bias: float = 0.0
    """Pull of the label that comes first in the alphabet."""
    anchor: float = 0.0
    """Pull, a level, away from the option whose sentence carries the larger digit."""
    sentence_cost: float = 0.0
    """Push away from an option that carries any sentence."""
    keyword_cost: float = 0.0
    """Push away from an option whose sentence names pain, at any level."""
    keyword_past: float = 0.0
    """Share of the keyword's cost where the pain has been."""
    keyword_denied: float = 0.0
    """Share of it where the pain is denied."""
    weight_pain: float = 1.0
    """A state at level x acts like the target at level weight * x; 0 for both targets: nothing
    that is stated acts by its level."""
    weight_pleasure: float = 0.0
    """The same for each other state."""
    weight_nonsense: float = 0.0
    weight_neutral: float = 0.0
    weight_unfelt: float = 0.0
    weight_fear: float = 0.0
    weight_boredom: float = 0.0
    weight_both: float = 0.0
    weight_past: float = 0.0
    weight_denied: float = 0.0
    flat_wordings: float = 0.0
    """Share of the wordings in which no sentence does anything."""
    one_context: bool = False
    """Whether sentences act in one context only."""
    one_order: bool = False
    """Whether sentences act only where the better option is listed first."""
    flat_logprob: bool = False
    """Whether log-probabilities show no sentence's effect."""
    comprehension: float = 0.98
    """Probability of the right answer to a question about the options."""
    lure: float = 0.0
    """Pull of the option that is worse and hurts."""
    refuse_above: float = 100.0
    """Level of pain above which answers decline."""
    refuse_share: float = 0.0
    """Share of answers that decline there."""
    unparsed_share: float = 0.0
    """Share of answers that cannot be read, and of the first token's mass off the labels."""

    def __post_init__(self) -> None:
        choices = {
            "price_form": ("logarithm", "hyperbolic"),
            "link": ("logit", "probit"),
            "shape": ("rising", "hump"),
        }
        for name, allowed in choices.items():
            if (value := getattr(self, name)) not in allowed:
                raise TradeoffsError(f"{name}: {value!r}; choose {' or '.join(allowed)}")


PARAMETERS: tuple[str, ...] = tuple(each.name for each in fields(ThresholdParameters))
KEYWORD_STATES = ("pain", "past", "denied")
HURTING_STATES = ("pain", "both")
TOKEN_SHARE = 0.99
"""Mass of the labels at the first token of a player that answers; the rest is white space."""


def threshold_player(parameters: Parameters) -> ThresholdRespondent:
    """A respondent of zoo 1.

    Raises:
        TradeoffsError: A parameter is unknown, or names a form that there is not.
    """
    check_parameters(parameters, PARAMETERS, "threshold player")
    return ThresholdRespondent(ThresholdParameters(**parameters))  # type: ignore[arg-type]


@dataclass(frozen=True)
class ThresholdRespondent:
    """Takes the points until what is stated outweighs them."""

    parameters: ThresholdParameters

    def outcomes(self, cells: pd.DataFrame, rng: np.random.Generator) -> Outcomes:
        """See `Respondent`."""
        own, features = self.parameters, features_of(cells)
        acting = self._acting(features, rng)
        threshold = self._thresholds(features, rng)
        noise = own.order_bias * features.first + own.label_bias * features.early_label
        noise = noise + own.cell_noise * rng.standard_normal(len(features.level))
        goal = np.full(len(features.level), own.goal)
        max_text = self._answer(np.where(acting, self._logits(features, threshold), goal), noise)
        max_logprob = self._answer(goal, noise) if own.flat_logprob else max_text
        is_dominated = features.state == "dominated"
        dominated = self._answer(goal - own.lure, noise)
        refused = np.where(
            features.is_state(*HURTING_STATES) & (features.level > own.refuse_above),
            own.refuse_share,
            0.0,
        )
        ones = np.ones(len(goal))
        return Outcomes(
            max_text=self._questions(features, np.where(is_dominated, dominated, max_text)),
            refused=refused,
            unparsed=own.unparsed_share * (1.0 - refused),
            max_logprob=self._questions(features, np.where(is_dominated, dominated, max_logprob)),
            label_mass=ones * TOKEN_SHARE * (1.0 - own.unparsed_share),
            dominated=np.zeros(len(goal)),
        )

    def _acting(self, features: Features, rng: np.random.Generator) -> Flags:
        """Where sentences do anything to this respondent."""
        own = self.parameters
        acting: Flags = (features.pull != 0) & ~features.asks
        if own.flat_wordings > 0:
            number = len(features.wordings)
            flat = rng.permutation(number) < round(own.flat_wordings * number)
            acting &= ~flat[features.wording]
        if own.one_context:
            acting &= features.context == rng.integers(len(features.contexts))
        if own.one_order:
            acting &= features.first > 0
        return acting

    def _thresholds(self, features: Features, rng: np.random.Generator) -> Array:
        own = self.parameters
        if own.price_form == "logarithm":
            price = own.price * np.log(features.gap)
        else:
            price = own.price * features.gap / (features.gap + own.half_gap)
        by_wording = own.wording_sd * rng.standard_normal(len(features.wordings))
        by_context = own.context_sd * rng.standard_normal(len(features.contexts))
        shifts = by_wording[features.wording] + by_context[features.context]
        return np.asarray(own.threshold + price + shifts)

    def _logits(self, features: Features, threshold: Array) -> Array:
        """Logit (or probit) of taking the points where a sentence acts, before biases."""
        own, level = self.parameters, features.level
        logits = np.full(len(level), own.goal)
        if own.weight_pain or own.weight_pleasure:
            shaped = level if own.shape == "rising" else SCALE_END - 2 * abs(level - SCALE_END / 2)
            dose = self._weights(features) * features.pull * shaped
            logits = np.minimum(logits, own.slope * (threshold - dose))
        costs = own.sentence_cost + own.anchor * level * features.numeric
        for name, share in zip(
            KEYWORD_STATES, (1.0, own.keyword_past, own.keyword_denied), strict=True
        ):
            costs = costs + own.keyword_cost * share * (features.state == name)
        return np.asarray(logits - costs * features.side)

    def _weights(self, features: Features) -> Array:
        weights = np.zeros(len(features.level))
        for name in (*TARGETS, *CONTROLS):
            if weight := getattr(self.parameters, f"weight_{name}"):
                weights[features.state == name] = weight
        return weights

    def _answer(self, logits: Array, noise: Array) -> Array:
        """Probability of taking the points."""
        own = self.parameters
        cumulative = expit if own.link == "logit" else ndtr
        return np.asarray(own.lapse / 2 + (1 - own.lapse) * cumulative(logits + noise))

    def _questions(self, features: Features, answers: Array) -> Array:
        return np.where(features.asks, self.parameters.comprehension, answers)
