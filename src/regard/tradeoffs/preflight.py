"""What is found out before anything is spent: model, key, endpoint, label tokens, speed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.design import Cell
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.label_tokens import read_labels
from regard.tradeoffs.plan import Plan

if TYPE_CHECKING:
    from inspect_ai.model import Model, ModelOutput

OWN_SERVER = "http://127.0.0.1:8000/v1"
OWN_PREFIX = "openai-api/regard/"
OWN_KEY = "none"
PROBE_SECONDS = 120
"""A local server may spend tens of seconds on its first request."""
SPLIT_SHARE = 0.5
"""Beginnings of labels above this mass: the labels are more than one token there."""


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """Which model is asked, and where."""

    name: str
    """As Inspect names models: `provider/model`."""
    base_url: str | None = None
    """Address of the API; each provider has its own default."""
    arguments: tuple[tuple[str, Any], ...] = ()
    """Further arguments of the provider."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What the first calls showed."""

    seconds: float
    """Mean time of a call, the first one left out where there are more."""
    input_tokens: float
    """Mean, as the endpoint counts them; 0 where it does not."""
    masses: tuple[tuple[str, float], ...]
    """Mass of the labels at the first token, by label pair; empty without log-probabilities."""


def open_model(choice: ModelChoice) -> Model:
    """The model of a choice.

    Raises:
        TradeoffsError: The provider is unknown, its package or its key is missing.
    """
    from inspect_ai.model import get_model

    import regard.tradeoffs.registry as registry  # Inspect learns the simulated players by it.

    assert registry.RespondentAPI is not None
    is_own = choice.name.startswith(OWN_PREFIX)
    key = OWN_KEY if is_own and not os.environ.get("REGARD_API_KEY") else None
    base_url = choice.base_url or (OWN_SERVER if is_own else None)
    try:
        return get_model(
            choice.name, base_url=base_url, api_key=key, memoize=False, **dict(choice.arguments)
        )
    except TradeoffsError:
        raise
    except Exception as error:  # PrerequisiteError, ValueError, ImportError, by provider
        raise TradeoffsError(f"model {choice.name!r} cannot be used: {_plain(error)}") from error


def check_model(choice: ModelChoice, plan: Plan, cells: Sequence[Cell]) -> Probe:
    """Asks one prompt for each label pair, one token long, and says what would go wrong.

    Raises:
        TradeoffsError: No key, wrong model, endpoint down, rate limit, or no log-probabilities.
    """
    return asyncio.run(_probe(open_model(choice), plan, _one_of_each_pair(cells)))


def check_masses(probe: Probe, criteria: Criteria) -> None:
    """Refuses log-probabilities where the labels carry too little of the first token.

    Raises:
        TradeoffsError: With the label pair and its mass.
    """
    for labels, mass in probe.masses:
        if mass < criteria.label_mass:
            raise TradeoffsError(
                f"the labels {labels} carry {mass:.2f} of the first token, "
                f"{criteria.label_mass:g} is needed: log-probabilities would be read off a small "
                "part of the answers. Plan with --reading text, or give --accept-low-mass to have "
                "the reading fail its gate on record"
            )


async def _probe(model: Model, plan: Plan, cells: Sequence[Cell]) -> Probe:
    seconds, inputs, masses = [], [], []
    for cell in cells if plan.has_logprob else cells[:1]:
        started = time.perf_counter()
        output = await _ask(model, plan, cell)
        seconds.append(time.perf_counter() - started)
        inputs.append(output.usage.input_tokens if output.usage else 0)
        if plan.has_logprob:
            masses.append((cell.labels, _mass(output, cell, model.name)))
    timed = seconds[1:] or seconds
    return Probe(
        seconds=sum(timed) / len(timed),
        input_tokens=sum(inputs) / len(inputs),
        masses=tuple(masses),
    )


async def _ask(model: Model, plan: Plan, cell: Cell) -> ModelOutput:
    from inspect_ai.model import GenerateConfig

    from regard.tradeoffs.samples import samples_of
    from regard.tradeoffs.task import TOP_LOGPROBS

    config = GenerateConfig(
        max_tokens=1,
        temperature=plan.temperature,
        logprobs=plan.has_logprob or None,
        top_logprobs=TOP_LOGPROBS if plan.has_logprob else None,
        max_retries=0,
        timeout=PROBE_SECONDS,
    )
    prompt = samples_of([cell])[0].input
    assert not isinstance(prompt, str)
    try:
        return await model.generate(prompt, config=config)
    except TradeoffsError:
        raise
    except Exception as error:  # each provider has its own tree of errors
        raise TradeoffsError(explain(error, str(model))) from error


def _mass(output: ModelOutput, cell: Cell, model: str) -> float:
    logprobs = None if output.empty else output.choices[0].logprobs
    tops = logprobs.content[0].top_logprobs if logprobs and logprobs.content else None
    if not tops:
        raise TradeoffsError(
            f"model {model!r} returns no log-probabilities; plan with --reading text"
        )
    tokens = [(top.token, top.logprob) for top in tops]
    reading = read_labels(tokens, cell.labels.split("/"))
    if reading.split_mass > SPLIT_SHARE:
        raise TradeoffsError(
            f"the labels {cell.labels} are more than one token to model {model!r} "
            f"({reading.split_mass:.2f} of the first token is the beginning of one): "
            "log-probabilities cannot be read; plan with --reading text"
        )
    return reading.mass


def _one_of_each_pair(cells: Sequence[Cell]) -> list[Cell]:
    found: dict[str, Cell] = {}
    for cell in cells:
        found.setdefault(cell.labels, cell)
    return list(found.values())


def explain(error: BaseException, model: str) -> str:
    """One line that says what the user can do about a failed call."""
    chain = list(_chain(error))
    status = next((each for link in chain if (each := _status(link)) is not None), None)
    reason = _plain(chain[-1])
    if status in (401, 403):
        return f"{model}: the key was refused ({status}): {reason}"
    if status == 404:
        return f"{model}: the endpoint knows no such model or path (404): {reason}"
    if status == 429:
        return f"{model}: rate-limited (429); try later or with fewer --connections: {reason}"
    if status is not None:
        return f"{model}: the endpoint answered {status}: {reason}"
    if any("Connect" in type(link).__name__ for link in chain):
        return f"{model}: the endpoint does not answer: {reason}"
    if any("Timeout" in type(link).__name__ for link in chain):
        return f"{model}: no answer within {PROBE_SECONDS} s: {reason}"
    return f"{model}: the call failed: {type(chain[0]).__name__}: {reason}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        # Inspect's retries keep the last failure as the result of an attempt.
        attempt = getattr(seen, "last_attempt", None)
        seen = attempt.exception() if attempt is not None else seen.__cause__ or seen.__context__


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _plain(error: BaseException) -> str:
    """The message in one line, without the marks of a terminal's colours."""
    import re

    text = re.sub(r"\[/?[a-z ]+\]", "", str(error))
    return " ".join(text.split())[:300] or type(error).__name__
