"""The matrix products of feed-forwards, as spread over accelerators."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from regard.serving.cost.architecture import Architecture
from regard.serving.cost.feed_forward import MATRICES, MoeFeedForward


class Load(NamedTuple):
    """What the busiest accelerator does for one micro-batch in all layers."""

    parameters: float
    """Weights that it reads."""
    flops: float
    """Operations."""


@dataclass(frozen=True, kw_only=True)
class FeedForwardWork:
    """One kind of matrices, in all layers that have it."""

    parameters: int
    """Weights of one of them (expert, shared expert, dense feed-forward) in all layers."""

    count: int
    """How many of them a layer has."""

    active: int
    """How many of them a token meets."""

    @property
    def flops_per_token(self) -> float:
        """Operations of one token."""
        return 2.0 * self.parameters * self.active

    def held_parameters(self, gpus: int, is_whole: bool) -> float:
        """Weights on one accelerator; whole ones go to as many accelerators as there are."""
        if not is_whole or self.count == 1:
            # One that every token meets is split, or each accelerator has it for its own tokens.
            return self.parameters if is_whole else self.parameters * self.count / gpus
        return self.parameters * math.ceil(self.count / gpus)

    def load(self, tokens: int, gpus: int, is_whole: bool) -> Load:
        """What the busiest accelerator does.

        Of the weights it holds it reads those that some token meets. With whole experts the
        busiest accelerator has a mean load and the spread of a Poisson draw over accelerators.
        """
        hit = 1.0 - (1.0 - self.active / self.count) ** tokens
        parameters = self.held_parameters(gpus, is_whole) * hit
        visits = tokens * self.active / gpus
        if is_whole and self.count > 1:
            holders = min(gpus, self.count)
            mean = tokens * self.active / holders
            visits = mean + math.sqrt(2.0 * mean * math.log(holders))
        return Load(parameters, 2.0 * self.parameters * visits)


def feed_forward_work(architecture: Architecture) -> tuple[FeedForwardWork, ...]:
    """Routed experts, shared experts and dense feed-forwards of a model; the router is left out."""
    work = []
    for each in architecture.feed_forward:
        if not isinstance(each, MoeFeedForward):
            work.append(FeedForwardWork(parameters=each.parameters(), count=1, active=1))
            continue
        one = MATRICES * each.hidden * each.layers
        work.append(
            FeedForwardWork(
                parameters=one * each.intermediate, count=each.experts, active=each.active
            )
        )
        if each.shared_intermediate:
            shared = one * each.shared_intermediate
            work.append(FeedForwardWork(parameters=shared, count=1, active=1))
    return tuple(work)
