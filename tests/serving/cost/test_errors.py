"""Checks of single numbers."""

import math

import pytest

from regard.common.errors import UserError
from regard.serving.cost.errors import CostError, require_fraction, require_positive


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_only_numbers_above_zero_pass(value: float) -> None:
    require_positive("price", 0.5)
    with pytest.raises(CostError, match="price is"):
        require_positive("price", value)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_only_shares_pass(value: float) -> None:
    require_fraction("share", 0)
    require_fraction("share", 1)
    with pytest.raises(CostError, match="share is"):
        require_fraction("share", value)


def test_the_command_line_prints_it_in_one_line() -> None:
    assert issubclass(CostError, UserError)
