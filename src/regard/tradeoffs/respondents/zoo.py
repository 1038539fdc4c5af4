"""Which player plays which kind of the truth table."""

from __future__ import annotations

import numpy as np

from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.respondents.contract import Player, Respondent
from regard.tradeoffs.respondents.threshold import threshold_player
from regard.tradeoffs.respondents.utility import utility_player
from regard.tradeoffs.truth_table import Kind

PLAYERS: tuple[tuple[int, Player], ...] = ((1, threshold_player), (2, utility_player))
"""By zoo."""


def draw_respondent(kind: Kind, rng: np.random.Generator) -> Respondent:
    """One respondent of a kind, with parameters from the kind's ranges.

    Raises:
        TradeoffsError: The kind's zoo has no player.
    """
    for zoo, player in PLAYERS:
        if zoo == kind.zoo:
            return player(kind.draw(rng))
    raise TradeoffsError(f"respondent {kind.name!r}: zoo {kind.zoo} has no player")
