"""Configurations that several tests simulate."""

from typing import Any

from hypothesis import strategies

from regard.serving.afd.simulation.config import SimulationConfig, Straggler
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime


def small_config(**changes: Any) -> SimulationConfig:
    """Two layers on one attention and one FFN instance, all times whole microseconds."""
    fields: dict[str, Any] = {
        "num_attention": 1,
        "num_ffn": 1,
        "num_layers": 2,
        "num_microbatches": 2,
        "rows": 4,
        "attention": StageTime.constant(10),
        "ffn": StageTime.constant(6),
        "link_out": LinkTime(3),
        "link_back": LinkTime(2),
        "other": StageTime.constant(5),
        "num_steps": 1,
    }
    return SimulationConfig(**(fields | changes))


def _stage(noise: float) -> strategies.SearchStrategy[StageTime]:
    numbers = strategies.integers(0, 300)
    return strategies.builds(
        lambda fixed, each, sigma: StageTime.linear(fixed, each, sigma),
        numbers,
        strategies.sampled_from([0, 0.5, 3]),
        strategies.sampled_from([0.0, noise]),
    )


def _link(noise: float) -> strategies.SearchStrategy[LinkTime]:
    return strategies.builds(
        LinkTime,
        strategies.integers(0, 400),
        strategies.sampled_from([0, 0.25, 8]),
        strategies.sampled_from([0.0, noise]),
    )


@strategies.composite
def configs(
    draw: strategies.DrawFn, *, lock_step: bool | None = None, noise: float = 0.4
) -> SimulationConfig:
    """Small clusters of every kind."""
    num_attention = draw(strategies.integers(1, 4))
    num_ffn = draw(strategies.integers(1, 3))
    stragglers = draw(
        strategies.sampled_from(
            [(), (Straggler("attention", num_attention - 1, 1.3), Straggler("ffn", 0, 1.7))]
        )
    )
    return SimulationConfig(
        num_attention=num_attention,
        num_ffn=num_ffn,
        num_layers=draw(strategies.integers(1, 4)),
        num_microbatches=draw(strategies.integers(1, 4)),
        rows=draw(strategies.integers(1, 9)),
        attention=draw(_stage(noise)),
        ffn=draw(_stage(noise)),
        link_out=draw(_link(noise)),
        link_back=draw(_link(noise)),
        attention_send=StageTime.constant(draw(strategies.sampled_from([0, 7]))),
        ffn_send=StageTime.constant(draw(strategies.sampled_from([0, 5, 40]))),
        other=draw(_stage(noise)),
        num_steps=draw(strategies.integers(1, 3)),
        lock_step=draw(strategies.booleans()) if lock_step is None else lock_step,
        stagger_us=draw(strategies.sampled_from([0, 33])),
        stragglers=stragglers,
        seed=draw(strategies.integers(0, 5)),
    )
