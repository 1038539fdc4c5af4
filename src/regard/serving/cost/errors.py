"""What the cost tools refuse."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable

from regard.common.errors import UserError


class CostError(UserError):
    """A model, an accelerator or a number that the cost tools cannot work with."""


def nearest_hint(wanted: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` for an error message, or nothing where no name is near."""
    alike = difflib.get_close_matches(wanted, list(known), n=1, cutoff=0.4)
    return f"; did you mean {alike[0]!r}?" if alike else ""


def require_positive(name: str, value: float) -> None:
    """Refuses zero, negative numbers and what is no number.

    Raises:
        CostError: `value` is not above 0.
    """
    if not math.isfinite(value) or value <= 0:
        raise CostError(f"{name} is {value}; give a number above 0")


def require_fraction(name: str, value: float) -> None:
    """Refuses what is not between 0 and 1.

    Raises:
        CostError: `value` is outside 0 to 1.
    """
    if not math.isfinite(value) or not 0 <= value <= 1:
        raise CostError(f"{name} is {value}; give a number from 0 to 1")
