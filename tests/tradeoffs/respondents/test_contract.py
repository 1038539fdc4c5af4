"""Probabilities become counts that add up, and tables of cells that analysis accepts."""

import numpy as np
import pandas as pd
import pytest

from regard.tradeoffs.cells import check_cells
from regard.tradeoffs.design import SHORT, design_cells
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.respondents.contract import (
    Outcomes,
    check_parameters,
    key_frame,
    simulate,
)

KEYS = key_frame(SHORT)


class _Fixed:
    """Answers alike in every cell."""

    def __init__(self, *, refused: float = 0.0, unparsed: float = 0.0, dominated: float = 0.0):
        self._shares = (refused, unparsed, dominated)

    def outcomes(self, cells: pd.DataFrame, rng: np.random.Generator) -> Outcomes:
        refused, unparsed, dominated = (np.full(len(cells), share) for share in self._shares)
        return Outcomes(
            max_text=np.full(len(cells), 0.75),
            refused=refused,
            unparsed=unparsed,
            max_logprob=np.full(len(cells), 0.5),
            label_mass=np.full(len(cells), 0.9),
            dominated=dominated,
        )


def test_there_is_a_row_for_every_cell() -> None:
    assert len(KEYS) == len(design_cells(SHORT))


def test_counts_are_drawn_with_the_shares_of_the_respondent() -> None:
    rng = np.random.default_rng(0)
    player = _Fixed(refused=0.2, unparsed=0.1, dominated=0.25)
    table = simulate(player, KEYS, rng, answers=1000, readings=["text"])
    shares = table[["n_max", "n_refused", "n_unparsed", "n_dominated"]].mean() / 1000
    assert shares.tolist() == pytest.approx([0.7 * 0.75, 0.2, 0.1, 0.7 * 0.25], abs=0.005)
    assert table["p_max"].isna().all()


def test_without_text_nothing_is_counted_and_probabilities_stand() -> None:
    table = simulate(_Fixed(), KEYS, np.random.default_rng(0), answers=5, readings=["logprob"])
    assert (table["n"] == 0).all()
    assert (table["p_max"] == 0.5).all()
    assert (table["label_mass"] == 0.9).all()


def test_the_table_keeps_every_rule_of_a_table_of_cells() -> None:
    table = simulate(
        _Fixed(refused=0.5, unparsed=0.5),
        KEYS,
        np.random.default_rng(0),
        answers=3,
        readings=["text"],
    )
    assert len(check_cells(table, source="simulation")) == len(KEYS)
    assert (table["n_refused"] + table["n_unparsed"] == 3).all()


def test_an_unknown_parameter_is_refused_by_name() -> None:
    with pytest.raises(TradeoffsError, match="player: no parameter 'slop'; there are: slope"):
        check_parameters({"slop": 1.0}, ("slope",), "player")
