"""Estimates add up, and prices come from the user's file only."""

from pathlib import Path

import pytest

from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.estimate import estimate, read_price
from regard.tradeoffs.plan import new_plan, planned_cells

PLAN = new_plan("replica", runs=50, max_tokens=10, retry_tokens=90)
ASKED = [(cell, 50) for cell in planned_cells(PLAN)]


def test_calls_and_the_most_tokens_are_counted() -> None:
    size = estimate(PLAN, ASKED)
    assert size.calls == 37 * 50
    assert size.most_output_tokens == 37 * 50 * 100
    assert 37 * 50 * 60 < size.input_tokens < 37 * 50 * 150


def test_time_divides_by_the_calls_at_once() -> None:
    assert estimate(PLAN, ASKED).seconds(2.0, 10) == 37 * 50 * 2.0 / 10


def test_a_price_is_read_by_model_and_spent_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('["a/b"]\ninput = 3\noutput = 15\ncurrency = "EUR"\n', encoding="utf-8")
    price = read_price(path, "a/b")
    size = estimate(PLAN, ASKED)
    least, most = size.cost(price)
    assert least == pytest.approx((size.input_tokens * 3 + size.output_tokens * 15) / 1e6)
    assert most > least
    assert price.currency == "EUR"


@pytest.mark.parametrize("content", ["", '["a/b"]\ninput = 3\n', '["a/b"]\ninput = "x"\n'])
def test_a_missing_price_says_what_to_write(content: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TradeoffsError, match="no price of 'a/b'; write"):
        read_price(path, "a/b")


def test_a_missing_file_of_prices_is_said(tmp_path: Path) -> None:
    with pytest.raises(TradeoffsError, match="no such file of prices"):
        read_price(tmp_path / "prices.toml", "a/b")
