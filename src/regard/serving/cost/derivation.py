"""A number together with the formula it came from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

UNSAID_RULE = "unsaid in the paper; reproduces its table"


class Factor(NamedTuple):
    """One factor of a product."""

    symbol: str
    """How it is written in a formula."""

    value: float
    """What it is here."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """A product of named factors: its value and its formula cannot disagree."""

    name: str
    """What it counts."""

    factors: tuple[Factor, ...]
    """What is multiplied."""

    rule: str | None = None
    """A counting rule that the paper does not state; None where it does."""

    @property
    def value(self) -> float:
        """The product."""
        return math.prod(factor.value for factor in self.factors)

    @property
    def formula(self) -> str:
        """The product in symbols."""
        return " x ".join(factor.symbol for factor in self.factors)

    @property
    def filled(self) -> str:
        """The product in numbers."""
        return " x ".join(f"{factor.value:.10g}" for factor in self.factors)


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """A sum of terms."""

    name: str
    """What the sum is."""

    unit: str
    """Its unit."""

    terms: tuple[Term, ...]
    """What is added."""

    @property
    def value(self) -> float:
        """The sum."""
        return math.fsum(term.value for term in self.terms)

    def lines(self) -> list[str]:
        """The derivation for a reader: the sum, then each term in symbols and in numbers."""
        lines = [f"{self.name} = {self.value:.4g} {self.unit}"]
        for term in self.terms:
            lines.append(f"  {term.name}: {term.formula}")
            lines.append(f"    = {term.filled} = {term.value:.4g}")
            if term.rule:
                lines.append(f"    [rule: {term.rule}]")
        return lines


def term(name: str, *factors: tuple[str, float], scale: float = 1, rule: str | None = None) -> Term:
    """A term from (symbol, value) pairs; `scale` is a leading constant."""
    leading = () if scale == 1 else (Factor(f"{scale:g}", scale),)
    named = tuple(Factor(symbol, float(value)) for symbol, value in factors)
    return Term(name=name, factors=leading + named, rule=rule)
