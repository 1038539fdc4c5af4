"""Which deployment serves a model at a context within a time per token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.deployment import Deployment, Sharding
from regard.serving.cost.efficiency import NOMINAL, Efficiencies, measured_efficiencies
from regard.serving.cost.errors import CostError, require_positive
from regard.serving.cost.step import Step, step, usd_per_million

MAX_SERVERS = 8
MAX_MICROBATCHES = 4
MAX_SEQUENCES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a deployment is for."""

    architecture: Architecture
    """The model."""

    context: int
    """Tokens in the cache of each sequence."""

    tpot_seconds: float
    """Longest time per output token."""

    attention_on: Accelerator
    """What attention, or a colocated deployment, runs on."""

    ffn_on: Accelerator
    """What feed-forwards run on."""

    gpus: int | None = None
    """Exactly so many accelerators; None for any number of servers up to 8."""

    def __post_init__(self) -> None:
        """Refuses impossible times, contexts and numbers."""
        require_positive("--tpot-ms", self.tpot_seconds)
        require_positive("--context", self.context)
        if self.gpus is not None:
            require_positive("--gpus", self.gpus)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A deployment with what it is predicted to do."""

    deployment: Deployment
    """The layout."""

    measured: Step
    """At the efficiencies that kernels reached."""

    roofline: Step
    """At nominal speeds: no implementation is faster."""

    limit: str
    """What keeps the batch from growing: the time per token, or memory."""

    @property
    def usd_per_million_tokens(self) -> float | None:
        """At measured efficiencies; None where a price is unknown."""
        return usd_per_million(self.deployment, self.measured.tokens_per_second_per_gpu)


def plan(goal: Goal, efficiency: Efficiencies | None = None) -> list[Plan]:
    """The best deployment of each topology, the best first: tokens/s/GPU at measured efficiencies.

    Micro-batches are as large as the time per token and the memories allow, whole sequences on
    whole accelerators; the feed-forwards are spread in the way that gives more.

    Raises:
        CostError: Nothing holds the model, or nothing is quick enough; the message has the nearest.
    """
    efficiency = efficiency or measured_efficiencies()
    best: dict[str, Plan] = {}
    fits = False
    for layout in layouts(goal):
        if not layout.fits:
            continue
        fits = True
        found = _largest(layout, goal.tpot_seconds, efficiency)
        if found is None:
            continue
        name = found.deployment.topology
        if name not in best or _rate(found) > _rate(best[name]):
            best[name] = found
    if not best:
        raise CostError(_reason(goal, efficiency, fits))
    return sorted(best.values(), key=_rate, reverse=True)


def layouts(goal: Goal) -> Iterator[Deployment]:
    """Every layout of the search, with one sequence a micro-batch."""
    shardings = list(Sharding) if goal.architecture.moe else [Sharding.HYBRID]
    for attention, ffn in _server_counts(goal):
        for microbatches in range(1, MAX_MICROBATCHES + 1):
            for sharding in shardings:
                layout = Deployment(
                    architecture=goal.architecture,
                    attention_on=goal.attention_on,
                    ffn_on=goal.ffn_on if ffn else goal.attention_on,
                    attention_servers=attention,
                    ffn_servers=ffn,
                    sequences=1,
                    microbatches=microbatches,
                    context=goal.context,
                    sharding=sharding,
                )
                if goal.gpus in (None, layout.gpus):
                    yield layout


def _server_counts(goal: Goal) -> Iterator[tuple[int, int]]:
    if goal.gpus is None:
        most = 2 * MAX_SERVERS
        for attention in range(1, MAX_SERVERS + 1):
            yield from ((attention, ffn) for ffn in range(MAX_SERVERS + 1))
    else:
        most = goal.gpus // goal.attention_on.gpus_per_server
        for attention in range(1, most + 1):
            rest = goal.gpus - attention * goal.attention_on.gpus_per_server
            yield attention, rest // goal.ffn_on.gpus_per_server


def _largest(layout: Deployment, tpot: float, efficiency: Efficiencies) -> Plan | None:
    """The layout with the largest micro-batch that keeps the time and fits; None if not one."""

    def is_quick(sequences: int) -> bool:
        return step(layout.with_sequences(sequences), efficiency).seconds <= tpot

    def fits(sequences: int) -> bool:
        return layout.with_sequences(sequences).fits

    if not is_quick(1):
        return None
    low, high = 1, MAX_SEQUENCES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) and is_quick(middle) else (low, middle)
    found = layout.with_sequences(low)
    return Plan(
        deployment=found,
        measured=step(found, efficiency),
        roofline=step(found, NOMINAL),
        limit="memory" if not fits(low + 1) else "time per token",
    )


def _rate(found: Plan) -> float:
    return found.measured.tokens_per_second_per_gpu


def _reason(goal: Goal, efficiency: Efficiencies, fits: bool) -> str:
    every = list(layouts(goal))
    name, context = goal.architecture.name, goal.context
    if not every:
        servers = sorted({goal.attention_on.gpus_per_server, goal.ffn_on.gpus_per_server})
        sizes = " and ".join(map(str, servers))
        return f"{goal.gpus} accelerators are no whole number of servers of {sizes}"
    if not fits:
        least = min(every, key=lambda each: max(each.attention_memory, each.ffn_memory))
        needs = (least.attention_memory, least.ffn_memory)
        holds = (goal.attention_on.memory_bytes, goal.ffn_on.memory_bytes)
        attention, ffn, on_attention, on_ffn = (f"{each / 1e9:.1f} GB" for each in (*needs, *holds))
        return (
            f"{name} at a context of {context:,} does not fit: the widest layout needs {attention} "
            f"for attention and {ffn} for feed-forwards on each accelerator; "
            f"{goal.attention_on.name} has {on_attention}, {goal.ffn_on.name} {on_ffn}"
        )
    quickest = min(step(each, efficiency).seconds for each in every if each.fits)
    return (
        f"{name} at a context of {context:,}: no layout keeps {goal.tpot_seconds * 1e3:g} ms; "
        f"the quickest takes {quickest * 1e3:.1f} ms for each token"
    )


def pareto(goal: Goal, tpots: list[float], efficiency: Efficiencies | None = None) -> list[Plan]:
    """The best plan for each time per token that can be kept, for a curve."""
    found = []
    for tpot in tpots:
        try:
            found.append(plan(replace(goal, tpot_seconds=tpot), efficiency)[0])
        except CostError:
            continue
    return found
