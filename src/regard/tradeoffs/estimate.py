"""What a run will cost: calls, tokens, time, and money at prices that the user supplies."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.tradeoffs.design import Cell
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.plan import Plan
from regard.tradeoffs.prompts.render import render
from regard.tradeoffs.replica import WORDING, render_replica

CHARACTERS_A_TOKEN = 4.0
"""Of English text, roughly."""
SHORT_ANSWER_TOKENS = 3.0
"""Of an answer that obeys. A model that rambles spends the cap, twice."""
PER_MILLION = 1e6


@dataclass(frozen=True, kw_only=True)
class Price:
    """What tokens cost, in the user's currency."""

    input: float
    """A million tokens in."""
    output: float
    """A million tokens out."""
    currency: str
    """As printed."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What asking some cells takes."""

    calls: int
    """Requests, without second tries."""
    input_tokens: float
    """Of all prompts."""
    output_tokens: float
    """Where answers are short, as asked for."""
    most_output_tokens: float
    """Where every answer runs into both caps."""

    def seconds(self, a_call: float, connections: int) -> float:
        """Time, at so many seconds a call and so many calls at once."""
        return self.calls * a_call / connections

    def cost(self, price: Price) -> tuple[float, float]:
        """Money with short answers, and where every answer runs into both caps."""
        prompts = self.input_tokens * price.input / PER_MILLION
        return (
            prompts + self.output_tokens * price.output / PER_MILLION,
            2 * prompts + self.most_output_tokens * price.output / PER_MILLION,
        )


def estimate(plan: Plan, asked: Sequence[tuple[Cell, int]]) -> Estimate:
    """What asking these cells, each so many times, takes.

    Args:
        plan: Says how long answers may be.
        asked: Cells, each with the number of calls.
    """
    calls = sum(times for _, times in asked)
    characters = sum(times * len(_prompt(cell)) for cell, times in asked)
    caps = plan.max_tokens + plan.retry_tokens if plan.has_text else 1
    return Estimate(
        calls=calls,
        input_tokens=characters / CHARACTERS_A_TOKEN,
        output_tokens=calls * (SHORT_ANSWER_TOKENS if plan.has_text else 1),
        most_output_tokens=float(calls * caps),
    )


def read_price(path: Path, model: str) -> Price:
    """A model's price from a TOML file: `["provider/model"]`, `input`, `output`, `currency`.

    Raises:
        TradeoffsError: The file or the model's entry is missing or wrong.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TradeoffsError(f"{path}: there is no such file of prices") from error
    except (OSError, ValueError) as error:
        raise TradeoffsError(f"{path} is no TOML file of prices: {error}") from error
    try:
        entry = entries[model]
        return Price(
            input=float(entry["input"]),
            output=float(entry["output"]),
            currency=str(entry["currency"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TradeoffsError(
            f'{path}: no price of {model!r}; write ["{model}"] with input and output '
            "(each per million tokens) and currency"
        ) from error


def _prompt(cell: Cell) -> str:
    return render_replica(cell) if cell.wording == WORDING else render(cell)
