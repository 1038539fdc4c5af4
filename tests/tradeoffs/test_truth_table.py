"""The truth table says of every kind what it may be called, and draws stay in their ranges."""

from __future__ import annotations

import numpy as np
import pytest

from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.truth_table import Kind, parse_truth_table, truth_table

ENTRY = """
verdicts = ["trade-off", "never"]
[[kind]]
zoo = 1
name = "one"
about = "x"
allowed = ["{allowed}"]
never = {never}
[kind.parameters]
slope = [1.0, 2.0]
link = "probit"
"""


def test_the_issues_kinds_stand_in_it() -> None:
    wanted = {
        "trade-off",
        "step",
        "always max",
        "always avoids",
        "random",
        "position-biased",
        "label-biased",
        "digit-anchored",
        "word-averse",
        "partly word-averse",
        "valence-averse",
        "mention-averse",
        "keyword only",
        "refuser",
        "hump",
        "persona mixture",
        "rambler",
        "spends its tokens",
        "probit",
        "hyperbolic price",
        "noisy cells",
    }
    assert wanted <= set(truth_table().kinds)
    assert len(truth_table().zoo(1)) + len(truth_table().zoo(2)) == len(truth_table().kinds)


@pytest.mark.parametrize("kind", truth_table().kinds.values(), ids=lambda kind: kind.name)
def test_draws_lie_in_their_ranges(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    for name, value in kind.draw(rng).items():
        setting = kind.parameters[name]
        if isinstance(setting, tuple):
            assert setting[0] <= float(value) <= setting[1]
        else:
            assert value == setting


def test_the_same_seed_draws_the_same_respondent() -> None:
    kind = truth_table().kind("trade-off")
    assert kind.draw(np.random.default_rng(3)) == kind.draw(np.random.default_rng(3))
    assert kind.draw(np.random.default_rng(3)) != kind.draw(np.random.default_rng(4))


@pytest.mark.parametrize(
    ("allowed", "never", "message"),
    [("maybe", "false", "no verdict 'maybe'"), ("trade-off", "true", "never a trade-off")],
)
def test_a_table_that_contradicts_itself_is_refused(allowed: str, never: str, message: str) -> None:
    with pytest.raises(TradeoffsError, match=message):
        parse_truth_table(ENTRY.format(allowed=allowed, never=never))


def test_a_name_stands_once() -> None:
    entry = ENTRY.format(allowed="never", never="true")
    again = entry.split("\n", 2)[2]
    with pytest.raises(TradeoffsError, match="stands twice"):
        parse_truth_table(entry + again)


def test_an_unknown_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(TradeoffsError, match="no respondent 'cat'; choose one of: trade-off"):
        truth_table().kind("cat")
