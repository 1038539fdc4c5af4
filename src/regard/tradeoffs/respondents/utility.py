"""Players of zoo 2: random utilities of points and of states, with other noise than zoo 1's."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import inf, isfinite, sqrt

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from scipy.special import expit  # type: ignore[import-untyped]

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
class UtilityParameters:
    """What a player of zoo 2 is made of; utilities are logits."""

    bonus: float = 4.5
    """Utility of having more points at all, however many."""
    point_value: float = 0.0
    """Utility of the gap, per unit of its curve."""
    point_curve: str = "logarithm"
    """How the gap counts: its `logarithm` or its `root`."""
    depth: float = 19.0
    """Utility lost by a state of weight 1 at the end of the scale."""
    bend: float = 1.0
    """Exponent of the level in that loss; above 1 it is convex."""
    weight_pain: float = 1.0
    """Share of `depth` that a state acts with."""
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
    sentence_cost: float = 0.0
    """Utility lost by an option that carries any sentence."""
    slope_sd: float = 0.0
    """Standard deviation between wordings of a utility lost per level, for each state anew."""
    wording_sd: float = 0.0
    """Standard deviation between wordings of the utility of more points."""
    tail_degrees: float = inf
    """Degrees of freedom of Student's distribution that these are drawn from; infinite: normal."""
    cell_noise: float = 0.0
    """Standard deviation of each prompt's own deviation, drawn from Laplace's distribution."""
    dispersion: float = 0.0
    """Correlation of the answers to one prompt: its probability is drawn from a beta."""
    share_max: float = 0.0
    """Share of answers of a second mind, to which no state matters."""
    order_bias: float = 0.0
    """Utility of what is listed first."""
    label_bias: float = 0.0
    """Utility of the label that comes first in the alphabet."""
    flat_wordings: float = 0.0
    """Share of the wordings in which no sentence does anything."""
    comprehension: float = 0.98
    """Probability of the right answer to a question about the options."""
    comprehension_intensity: float = 0.98
    """The same for the question which intensity is larger."""
    lure: float = 0.0
    """Utility of the option that is worse and hurts."""
    refuse_above: float = 100.0
    """Level of pain above which answers decline."""
    refuse_share: float = 0.0
    """Share of answers that decline there."""
    unparsed_share: float = 0.0
    """Share of answers that cannot be read, and of the first token's mass off the labels."""

    def __post_init__(self) -> None:
        if self.point_curve not in POINT_CURVES:
            raise TradeoffsError(
                f"point_curve: {self.point_curve!r}; choose {' or '.join(POINT_CURVES)}"
            )
        # Student's distribution has no standard deviation below that.
        if not self.tail_degrees > 2:
            raise TradeoffsError(f"tail_degrees: {self.tail_degrees:g}; give more than 2")
        if not 0 <= self.dispersion < 1:
            raise TradeoffsError(f"dispersion: {self.dispersion:g}; give 0 to below 1")


POINT_CURVES = ("logarithm", "root")
PARAMETERS: tuple[str, ...] = tuple(each.name for each in fields(UtilityParameters))
STATED = (*TARGETS, *CONTROLS)
DECLINED_STATES = ("pain", "both")
TOKEN_SHARE = 0.97
"""Mass of the labels at the first token of a player that answers; the rest is white space."""
LEAST_PROBABILITY = 1e-9
"""Keeps the beta's parameters above 0."""


def utility_player(parameters: Parameters) -> UtilityRespondent:
    """A respondent of zoo 2.

    Raises:
        TradeoffsError: A parameter is unknown, names a curve that there is not, or is out of
            range.
    """
    check_parameters(parameters, PARAMETERS, "utility player")
    return UtilityRespondent(UtilityParameters(**parameters))  # type: ignore[arg-type]


@dataclass(frozen=True)
class UtilityRespondent:
    """Takes the option of higher utility, where each utility has a Gumbel error an answer."""

    parameters: UtilityParameters

    def outcomes(self, cells: pd.DataFrame, rng: np.random.Generator) -> Outcomes:
        """See `Respondent`."""
        own, features = self.parameters, features_of(cells)
        points = self._points(features) + self._deviations(features, rng)
        lost = np.where(self._acting(features, rng), self._losses(features, rng), 0.0)
        lost = lost + own.lure * features.is_state("dominated")
        # The difference of two Gumbel errors is logistic.
        chosen = own.share_max * expit(points) + (1.0 - own.share_max) * expit(points - lost)
        answers = self._questions(features, self._scattered(chosen, rng))
        declines = features.is_state(*DECLINED_STATES) & (features.level > own.refuse_above)
        refused = np.where(declines, own.refuse_share, 0.0)
        number = len(features.level)
        return Outcomes(
            max_text=answers,
            refused=refused,
            unparsed=own.unparsed_share * (1.0 - refused),
            max_logprob=answers,
            label_mass=np.full(number, TOKEN_SHARE * (1.0 - own.unparsed_share)),
            dominated=np.zeros(number),
        )

    def _points(self, features: Features) -> Array:
        """Utility of more points, as far as nothing is stated."""
        own = self.parameters
        curve = np.log if own.point_curve == "logarithm" else np.sqrt
        biases = own.order_bias * features.first + own.label_bias * features.early_label
        return np.asarray(own.bonus + own.point_value * curve(features.gap) + biases)

    def _deviations(self, features: Features, rng: np.random.Generator) -> Array:
        """What a wording and a prompt add to it."""
        own, number = self.parameters, len(features.wordings)
        if isfinite(own.tail_degrees):
            unit = sqrt(own.tail_degrees / (own.tail_degrees - 2.0))
            by_wording = rng.standard_t(own.tail_degrees, number) / unit
        else:
            by_wording = rng.standard_normal(number)
        by_cell = rng.laplace(scale=sqrt(0.5), size=len(features.level))
        shifts = own.wording_sd * by_wording[features.wording] + own.cell_noise * by_cell
        return np.asarray(shifts)

    def _acting(self, features: Features, rng: np.random.Generator) -> Flags:
        """Where sentences do anything to this respondent."""
        number = len(features.wordings)
        flat = rng.permutation(number) < round(self.parameters.flat_wordings * number)
        acting: Flags = ~features.asks & ~flat[features.wording]
        return acting

    def _losses(self, features: Features, rng: np.random.Generator) -> Array:
        """Utility that the option with more points loses by what is stated."""
        own, shape = self.parameters, (len(STATED), len(features.wordings))
        slopes = own.slope_sd * rng.standard_normal(shape)
        share = np.power(features.level / SCALE_END, own.bend)
        losses = np.zeros(len(features.level))
        for place, name in enumerate(STATED):
            at = features.state == name
            by_level = slopes[place, features.wording[at]] * features.level[at]
            losses[at] = getattr(own, f"weight_{name}") * own.depth * share[at] + by_level
        return np.asarray(losses * features.pull + own.sentence_cost * features.side)

    def _scattered(self, chosen: Array, rng: np.random.Generator) -> Array:
        """Each prompt's own probability of mean `chosen`."""
        if not self.parameters.dispersion:
            return chosen
        total = 1.0 / self.parameters.dispersion - 1.0
        mean = np.clip(chosen, LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
        return rng.beta(mean * total, (1.0 - mean) * total)

    def _questions(self, features: Features, answers: Array) -> Array:
        own = self.parameters
        answers = np.where(features.asks, own.comprehension, answers)
        return np.where(features.is_state("ask-intensity"), own.comprehension_intensity, answers)
