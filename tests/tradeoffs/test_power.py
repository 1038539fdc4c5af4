import pytest

from regard.common.statistics import Interval
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.power import Effect, PowerRow, power_rows, smallest

STRONG = Effect(slope=1.5, threshold=3.0, price=0.8, wording_sd=0.2, cell_noise=0.0)


def test_a_strong_effect_is_found_and_a_missing_price_is_not() -> None:
    strong, priceless = (
        power_rows(effect, wordings=[9], runs=[8], draws=3, seed=1)[0]
        for effect in (STRONG, Effect(slope=1.5, threshold=5.0, price=-0.3))
    )
    assert strong.verdict.value == 1
    assert strong.held["gates"].value == 1
    assert priceless.held["T4 price"].value == 0
    assert priceless.held["T1 dose"].value == 1
    assert priceless.verdict.value == 0


def test_one_answer_a_cell_cannot_show_the_baseline() -> None:
    row = power_rows(STRONG, wordings=[6], runs=[1], draws=2, seed=1)[0]
    assert row.held["gates"].value == 0
    assert row.verdict.value == 0


def test_calls_are_the_answers_of_main_block_and_gates() -> None:
    row = power_rows(STRONG, wordings=[6], runs=[2], draws=1, seed=1)[0]
    states, per_state = 9, 6 * 2 * 2 * 3 * 6
    assert row.calls == 2 * (states * per_state + 6 * 2 * 2 * 3 + 4 * 6 * 2 * 2)


@pytest.mark.parametrize(
    ("wordings", "runs", "draws"), [([4], [1], 1), ([99], [1], 1), ([6], [0], 1), ([6], [1], 0)]
)
def test_numbers_out_of_range_are_refused(wordings: list[int], runs: list[int], draws: int) -> None:
    with pytest.raises(TradeoffsError, match="give"):
        power_rows(STRONG, wordings=wordings, runs=runs, draws=draws, seed=0)


def _row(calls: int, share: float) -> PowerRow:
    verdict = Interval(share, share, share)
    return PowerRow(wordings=6, runs=1, calls=calls, draws=9, held={}, verdict=verdict)


def test_enough_is_the_fewest_calls_and_not_the_highest_share() -> None:
    rows = [_row(300, 1.0), _row(200, 0.85), _row(100, 0.5)]
    assert smallest(rows, 0.8) == rows[1]
    assert smallest(rows[2:], 0.8) is None
