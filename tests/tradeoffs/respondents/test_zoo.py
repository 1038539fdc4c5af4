"""Every kind of zoo 1 can be played, and plays what its entry says."""

import numpy as np
import pytest

from regard.tradeoffs.cells import check_cells
from regard.tradeoffs.design import FULL, SHORT
from regard.tradeoffs.respondents.contract import key_frame, simulate
from regard.tradeoffs.respondents.zoo import draw_respondent
from regard.tradeoffs.truth_table import Kind, truth_table

SHORT_KEYS = key_frame(SHORT)


@pytest.mark.parametrize("kind", truth_table().zoo(1), ids=lambda kind: kind.name)
def test_a_kind_plays_and_its_table_is_one_of_cells(kind: Kind) -> None:
    rng = np.random.default_rng(1)
    respondent = draw_respondent(kind, rng)
    table = simulate(respondent, SHORT_KEYS, rng, answers=3, readings=kind.readings)
    assert len(check_cells(table, source=kind.name)) == len(SHORT_KEYS)
    assert ("logprob" in kind.readings) == table["p_max"].notna().all()


def test_a_seed_gives_the_same_table_and_another_seed_another_one() -> None:
    kind = truth_table().kind("noisy cells")

    def table(seed: int) -> str:
        rng = np.random.default_rng(seed)
        respondent = draw_respondent(kind, rng)
        return str(simulate(respondent, SHORT_KEYS, rng, answers=5, readings=["text"]).to_csv())

    assert table(3) == table(3)
    assert table(3) != table(4)


@pytest.mark.parametrize(
    ("name", "at_least", "at_most"),
    [("trade-off", 0.9, 0.1), ("always max", 0.9, 1.0), ("always avoids", 0.0, 0.2)],
)
def test_curves_begin_and_end_where_the_kind_says(
    name: str, at_least: float, at_most: float
) -> None:
    keys = key_frame(FULL)
    chosen = (keys["state"] == "pain") & (keys["clause"] == "best-after") & (keys["gap"] == 7)
    chosen &= (keys["scale"] == "numeric") & (keys["addressee"] == "model")
    rng = np.random.default_rng(2)
    p = draw_respondent(truth_table().kind(name), rng).outcomes(keys, rng).max_text
    assert p[chosen & (keys["intensity"] == 0)].mean() >= at_least
    assert p[chosen & (keys["intensity"] == 10)].mean() <= at_most
