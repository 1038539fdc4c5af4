"""How many wordings and answers an effect needs: simulated respondents of a stated effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from regard.common.seeding import numpy_generator
from regard.common.statistics import Interval, wilson_interval
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.design import FULL, DesignConfig
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.prompts.catalogue import WORDINGS
from regard.tradeoffs.respondents.contract import key_frame, simulate
from regard.tradeoffs.respondents.threshold import threshold_player
from regard.tradeoffs.verdict import judge

VERDICT = "trade-off"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What the respondent does, in the terms of the dose-response."""

    slope: float = 0.5
    """Logits of avoiding, a level."""
    threshold: float = 4.0
    """Level at which it turns, at a points gap of 1."""
    price: float = 0.4
    """Levels by which the threshold rises, per unit of the log gap."""
    wording_sd: float = 0.5
    """Standard deviation of the threshold between wordings, in levels."""
    cell_noise: float = 0.3
    """Standard deviation of each prompt's own deviation, in logits."""
    weight_control: float = 0.0
    """Share of the level at which controls act like the target."""


@dataclass(frozen=True, kw_only=True)
class PowerRow:
    """What one size of design finds of an effect."""

    wordings: int
    runs: int
    """Text answers a cell."""
    calls: int
    """Answers in all: main block and gates."""
    draws: int
    """Respondents simulated."""
    held: dict[str, Interval]
    """Share of them that passed the gates, and for which each of T1 to T5 held, with Wilson's
    interval. Below two answers a cell no respondent can show a baseline of 0.90."""
    verdict: Interval
    """Share that got the strongest verdict."""


def power_rows(
    effect: Effect,
    *,
    wordings: Sequence[int],
    runs: Sequence[int],
    draws: int,
    seed: int,
    advance: Callable[[float], None] = lambda amount: None,
) -> list[PowerRow]:
    """Simulates every combination of wordings and runs.

    Raises:
        TradeoffsError: A number is out of range.
    """
    criteria = Criteria()
    if not wordings or not criteria.min_wordings <= min(wordings) <= max(wordings) <= len(WORDINGS):
        raise TradeoffsError(
            f"wordings {list(wordings)}: give {criteria.min_wordings} to {len(WORDINGS)}, "
            "as many as there are texts"
        )
    if not runs or min(runs) < 1 or draws < 1:
        raise TradeoffsError(f"runs {list(runs)}, draws {draws}: give at least 1")
    rows = []
    for number in wordings:
        design = DesignConfig(
            wordings=WORDINGS[:number],
            # Of the targets, only the one that is asked about.
            states=tuple(state for state in FULL.states if state != "pleasure"),
            side_blocks=(),
        )
        for answers in runs:
            rows.append(_row(effect, design, answers, draws, seed))
            advance(1)
    return rows


def _row(effect: Effect, design: DesignConfig, answers: int, draws: int, seed: int) -> PowerRow:
    cells = key_frame(design)
    layout = Layout(cells)
    parameters = asdict(effect)
    weight = parameters.pop("weight_control")
    for control in ("nonsense", "unfelt", "fear", "boredom"):
        parameters[f"weight_{control}"] = weight
    held: dict[str, int] = {}
    found = 0
    for draw in range(draws):
        rng = numpy_generator(seed, "power", len(design.wordings), answers, draw)
        respondent = threshold_player(parameters)
        table = simulate(respondent, cells, rng, answers=answers, readings=("text",))
        verdict = judge(table, "pain", criteria=Criteria(), layout=layout)
        held["gates"] = held.get("gates", 0) + (verdict.failed_gate is None)
        for each in verdict.criteria[:5]:
            held[each.name] = held.get(each.name, 0) + bool(each.passed)
        found += verdict.verdict == VERDICT
    return PowerRow(
        wordings=len(design.wordings),
        runs=answers,
        calls=len(cells) * answers,
        draws=draws,
        held={name: wilson_interval(number, draws) for name, number in held.items()},
        verdict=wilson_interval(found, draws),
    )


def smallest(rows: Sequence[PowerRow], power: float) -> PowerRow | None:
    """The fewest calls whose share of the strongest verdict reaches `power`; None if none does."""
    enough = [row for row in rows if row.verdict.value >= power]
    return min(enough, key=lambda row: row.calls, default=None)
