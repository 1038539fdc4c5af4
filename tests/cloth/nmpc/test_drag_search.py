"""The oracle's search for a flattening."""

from types import SimpleNamespace

import numpy as np
import pytest

from regard.cloth.envs.cloth_env import ClothEnv
from regard.cloth.nmpc.drag_search import DragSearch, DragSearchConfig
from regard.cloth.nmpc.rehearsal import Outcome, Rehearsal


def make_search(**config):
    rehearsal = Rehearsal(ClothEnv("flatten", engine="xpbd", resolution=9))
    return DragSearch(rehearsal, DragSearchConfig(**config), np.random.default_rng(0))


def make_outcome(cost, *, is_over=False, step=0, path=()):
    end = SimpleNamespace(episode=SimpleNamespace(is_over=is_over, step=step))
    return Outcome(list(path), end, np.zeros(1), cost)


def test_a_search_that_is_stuck_takes_something_a_little_worse():
    search = make_search(stuck_gain=0.01, shake=0.1)
    tried = [make_outcome(cost) for cost in (0.2, 0.25, 0.4)]
    tried.append(make_outcome(0.21, is_over=True))
    assert search._least(make_outcome(0.3), tried).cost == 0.2
    chosen = {search._least(make_outcome(0.2), tried).cost for _ in range(30)}
    assert chosen == {0.2, 0.25}


def test_less_time_makes_the_same_cloth_need_more():
    search = make_search()
    early, late = (search._still_needed(make_outcome(0.35, step=step)) for step in (20, 110))
    assert early == pytest.approx(0.2 / 10)
    assert late == pytest.approx(0.2 / 5)
    assert search._still_needed(make_outcome(0.3, step=20)) < early


class Tree:
    """Episodes without physics: each drag is a letter, and what it costs stands in a table."""

    def __init__(self, search, monkeypatch, costs, horizon):
        self.costs, self.horizon, self.seen = costs, horizon, []
        monkeypatch.setattr(search, "_promising", lambda: ["a", "b", "c"])
        monkeypatch.setattr(search, "_simulate", self.simulate)
        search._rehearsal.env = SimpleNamespace(
            restore=lambda end: None, task=search._rehearsal.env.task
        )

    def simulate(self, pick, before):
        path = [*before.actions, pick]
        name = "".join(path)
        self.seen.append(name)
        cost = self.costs.get(name, 0.5)
        return make_outcome(cost, is_over=cost <= 0 or len(path) == self.horizon, path=path)


def test_a_wide_search_finds_what_begins_badly(monkeypatch):
    search = make_search(width=3, branches=2)
    tree = Tree(search, monkeypatch, {"a": 0.3, "b": 0.4, "c": 0.6, "ba": 0.35, "bac": 0.0}, 4)
    assert search._widely(make_outcome(np.inf)).actions == ["b", "a", "c"]
    # Two go on of those that begin alike.
    assert {name[0] for name in tree.seen if len(name) == 2} == {"a", "b"}


def test_a_wide_search_that_fails_returns_the_best(monkeypatch):
    search = make_search(width=2, branches=2)
    tree = Tree(search, monkeypatch, {"abc": 0.2}, 3)
    assert search._widely(make_outcome(np.inf)).actions == ["a", "b", "c"]
    assert max(map(len, tree.seen)) == 3
    assert len([name for name in tree.seen if len(name) == 3]) == 2 * 3
