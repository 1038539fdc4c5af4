"""Number formats."""

import pytest

from regard.serving.cost.errors import CostError
from regard.serving.cost.precision import Precision, parse_precision


def test_every_format_has_a_size() -> None:
    assert [each.bytes_per_element for each in Precision] == [4, 2, 1, 1, 0.53125]


def test_names_are_read_in_any_case() -> None:
    assert parse_precision("BF16") is Precision.BF16


def test_an_unknown_format_is_refused_with_the_choices() -> None:
    with pytest.raises(CostError, match="unknown precision 'fp7'.*bf16"):
        parse_precision("fp7")
