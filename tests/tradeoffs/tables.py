"""Tables that simulated players of known truth give."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from regard.tradeoffs.analysis.answers import Answers, Reading, answers_of
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.design import DesignConfig
from regard.tradeoffs.respondents.contract import key_frame, simulate
from regard.tradeoffs.respondents.threshold import threshold_player

MAIN = DesignConfig(side_blocks=())


def played(
    *,
    design: DesignConfig = MAIN,
    seed: int = 0,
    answers: int = 3,
    readings: tuple[str, ...] = ("text",),
    **parameters: float | str | bool,
) -> pd.DataFrame:
    """What one threshold player answers."""
    return simulate(
        threshold_player(parameters),
        _keys(design),
        np.random.default_rng(seed),
        answers=answers,
        readings=readings,
    )


@cache
def _keys(design: DesignConfig) -> pd.DataFrame:
    return key_frame(design)


def layout_of(table: pd.DataFrame, reading: Reading = "text") -> tuple[Layout, Answers]:
    """Its layout and one reading of it."""
    return Layout(table), answers_of(table, reading)
