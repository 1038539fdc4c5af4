"""Judges simulated respondents of known truth: which verdict each kind gets, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from regard.common.seeding import numpy_generator
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.design import FULL
from regard.tradeoffs.respondents.contract import key_frame, simulate
from regard.tradeoffs.respondents.zoo import draw_respondent
from regard.tradeoffs.truth_table import Kind, truth_table
from regard.tradeoffs.verdict import judge

ANSWERS = 5
"""Text answers a cell of the full factorial."""
DRAWS_A_TASK = 10


@dataclass(frozen=True, kw_only=True)
class ZooCounts:
    """Verdicts of many respondents."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By kind, then by verdict."""
    allowed: dict[str, list[str]] = field(default_factory=dict)
    """By kind: the verdicts that are true of it."""

    def num_allowed(self, kind: str) -> int:
        """Respondents of a kind that got a verdict that is true of it."""
        return sum(self.counts[kind].get(verdict, 0) for verdict in self.allowed[kind])


def count_verdicts(
    kinds: Sequence[Kind],
    *,
    draws: int,
    seed: int,
    workers: int = 1,
    advance: Callable[[float], None] = lambda amount: None,
) -> ZooCounts:
    """Draws respondents of each kind, lets them play the full factorial and judges them.

    Draw d of a kind is the same respondent whatever else is drawn beside it.

    Args:
        kinds: Kinds of the truth table.
        draws: Respondents a kind.
        seed: Of everything that is drawn.
        workers: Processes.
        advance: Told of finished draws.
    """
    found = ZooCounts(
        counts={kind.name: {} for kind in kinds},
        allowed={kind.name: list(kind.allowed) for kind in kinds},
    )
    tasks = [
        (kind.name, range(first, min(first + DRAWS_A_TASK, draws)))
        for kind in kinds
        for first in range(0, draws, DRAWS_A_TASK)
    ]
    for (name, numbers), verdicts in zip(tasks, _results(tasks, seed, workers), strict=True):
        total = Counter(found.counts[name]) + verdicts
        found.counts[name].update(total)
        advance(len(numbers))
    return found


def _results(tasks: Sequence[tuple[str, range]], seed: int, workers: int) -> Iterator[Counter[str]]:
    if workers == 1:
        layout = Layout(key_frame(FULL))
        yield from (judge_draws(task, seed=seed, layout=layout) for task in tasks)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(judge_draws, seed=seed), tasks)


def judge_draws(
    task: tuple[str, range], *, seed: int, layout: Layout | None = None
) -> Counter[str]:
    """Verdicts of some draws of one kind.

    Args:
        task: The kind's name and the numbers of the draws.
        seed: Of everything that is drawn.
        layout: That of the full factorial, where one is at hand.
    """
    name, numbers = task
    kind = truth_table().kind(name)
    cells = key_frame(FULL)
    shared = Layout(cells) if layout is None else layout
    verdicts: Counter[str] = Counter()
    for number in numbers:
        rng = numpy_generator(seed, "zoo", name, number)
        table = simulate(
            draw_respondent(kind, rng), cells, rng, answers=ANSWERS, readings=kind.readings
        )
        verdicts[judge(table, kind.target, criteria=Criteria(), layout=shared).verdict] += 1
    return verdicts
