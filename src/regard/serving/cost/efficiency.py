"""How much of its nominal speed an accelerator keeps, by kind of work."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from regard.serving.cost.accelerators import Accelerator, shipped_accelerators
from regard.serving.cost.data_files import read_shipped
from regard.serving.cost.precision import Precision


@dataclass(frozen=True, kw_only=True)
class AttentionPoint:
    """What decode attention reached at one context."""

    precision: Precision
    """Format of the cache."""

    context: int
    """Tokens in the cache."""

    share: float
    """Share of the memory's nominal bandwidth."""


@dataclass(frozen=True, kw_only=True)
class Efficiencies:
    """Shares of nominal speed, each from 0 to 1."""

    name: str
    """What they are called in output."""

    attention: Sequence[AttentionPoint]
    """Reading the cache, by format and context; empty for nominal speed."""

    projection_memory: float
    """Reading the weights of attention's projections."""

    expert_memory: float
    """Reading the weights of feed-forwards."""

    expert_arithmetic: float
    """Operations of feed-forwards."""

    dense_arithmetic: float
    """Operations of attention and its projections."""

    copy_memory: float
    """Reading the output head."""

    link: float
    """Between accelerators of one server."""

    network: float
    """Between servers."""

    def attention_memory(self, precision: Precision, context: int) -> float:
        """The share at the measured context nearest to this one; other formats are as BF16."""
        if not self.attention:
            return 1.0
        known = {each.precision for each in self.attention}
        wanted = precision if precision in known else Precision.BF16
        points = [each for each in self.attention if each.precision == wanted]
        return min(points, key=lambda each: abs(math.log(each.context / context))).share


NOMINAL = Efficiencies(
    name="roofline",
    attention=(),
    projection_memory=1.0,
    expert_memory=1.0,
    expert_arithmetic=1.0,
    dense_arithmetic=1.0,
    copy_memory=1.0,
    link=1.0,
    network=1.0,
)


@cache
def measured_efficiencies() -> Efficiencies:
    """What kernels reached, from `data/efficiencies.yaml`."""
    data = read_shipped("efficiencies.yaml")
    base = shipped_accelerators()[data["measured_on"]]
    memory, arithmetic = base.memory_bytes_per_second, base.flops_per_second(Precision.FP8)
    return Efficiencies(
        name="measured",
        attention=tuple(_attention_point(each, base) for each in data["attention"]),
        projection_memory=_share(data["projection_memory"], memory),
        expert_memory=_share(data["expert_memory"], memory),
        expert_arithmetic=_share(data["expert_arithmetic"], arithmetic),
        dense_arithmetic=data["dense_arithmetic"]["share"],
        copy_memory=data["copy_memory"]["share"],
        link=data["link"]["share"],
        network=data["network"]["share"],
    )


def _attention_point(entry: Mapping[str, Any], base: Accelerator) -> AttentionPoint:
    return AttentionPoint(
        precision=Precision(entry["precision"]),
        context=entry["context"],
        share=_share(entry, base.memory_bytes_per_second),
    )


def _share(entry: Mapping[str, Any], nominal: float) -> float:
    return float(entry["work"] / (entry["microseconds"] * 1e-6) / nominal)
