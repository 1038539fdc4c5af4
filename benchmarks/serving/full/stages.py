"""Each stage alone, at a case's shapes: what a simulation of the whole is fed with.

Attention, head and feed-forwards run on one GPU each, layer after layer in a CUDA graph. What lies
between them is timed on all GPUs of the case (trip.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch

from benchmarks.serving.device_timing import num_sets, row, time_in_turns
from benchmarks.serving.full.attention_side import AttentionSide
from benchmarks.serving.full.build import Operators
from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.draw import Draw, Kind
from benchmarks.serving.full.ffn_side import FfnSide
from benchmarks.serving.full.weights import (
    draw_attention_layer,
    draw_ffn_layer,
    draw_outer,
)
from regard.common.rows import Measurement

PREFIX = "serving.afd_full_stage_us"


def stage_metric(config: FullConfig, stage: str) -> str:
    """Name of a stage's row; what its time depends on is in it.

    Args:
        config: The case.
        stage: One of `STAGES`.
    """
    ffn = f"{config.num_ffn}F"
    if stage == "attention":
        return f"{PREFIX}/attention/{ffn}/{config.batch}x{config.context}"
    if stage == "head":
        return f"{PREFIX}/head/{ffn}/{config.batch}"
    if stage in ("experts", "dense"):
        return f"{PREFIX}/{stage}/{ffn}/{config.num_tokens}"
    return f"{PREFIX}/{stage}/{config.topology}/{config.batch}"


STAGES = ("attention", "head", "experts", "dense", "trip")


def _few(config: FullConfig, dense: bool, bytes_each: float) -> FullConfig:
    """Layers of one kind, as many as the caches of a GPU cannot hold."""
    kind = [n for n in config.numbers if (n not in config.model.moe_layers) == dense]
    layers = tuple(kind[: max(2, num_sets(bytes_each))])
    return replace(config, layers=layers, num_microbatches=1, exact=False)


def attention_calls(
    config: FullConfig, device: torch.device, operators: Operators
) -> dict[str, list[Callable[[], object]]]:
    """What an attention GPU does for one micro-batch: a layer with experts, and the head."""
    few = _few(config, False, 169e6)
    weights = draw_outer(few, device)
    weights.layers += [draw_attention_layer(few, i, device) for i in range(few.num_layers)]
    side = AttentionSide(few, 0, device, weights)
    made = operators[0](side)
    for chunk in side.chunks:
        for target, source in chunk.sequences.plan():
            target.copy_(source)
    side.begin(0)
    # The first position has nothing to add yet, so it is not timed.
    layers = [partial(made.attend, i, 0) for i in range(1, few.num_layers)]
    return {"attention": layers, "head": [partial(made.finish, 0)]}


def ffn_calls(
    config: FullConfig, dense: bool, device: torch.device, operators: Operators
) -> list[Callable[[], object]]:
    """What the first FFN GPU does for one micro-batch, intake too, with drawn tokens and routes."""
    few = _few(config, dense, 99e6 if dense else 1.35e9)
    layers = [draw_ffn_layer(few, 0, i, device) for i in range(few.num_layers)]
    side = FfnSide(few, 0, device, layers)
    fill_inbox(side)
    made = operators[1](side)

    def call(position: int) -> None:
        made.take_in(position, 0)
        made.compute(position, 0)

    return [partial(call, i) for i in range(few.num_layers)]


def fill_inbox(side: FfnSide) -> None:
    """Drawn tokens, each to three experts that differ."""
    model, draw = side.config.model, Draw(side.config.seed, side.device)
    for number, message in enumerate(side.inboxes[0].messages):
        generator = draw.seeded(Kind.TOKENS, number)
        rows, hidden = message.rows.values.shape
        message.put(torch.randn(rows, hidden, generator=generator, device=side.device))
        drawn = torch.rand(rows, model.num_experts, generator=generator, device=side.device)
        shares, chosen = drawn.mul(4).softmax(dim=1).topk(model.num_experts_per_token, dim=1)
        message.chosen.copy_(chosen)
        message.shares.copy_(shares)


def measure_stages(
    config: FullConfig, device: torch.device, operators: Operators, repeats: int
) -> list[Measurement]:
    """The rows of the four stages that compute, on one GPU."""
    calls = attention_calls(config, device, operators)
    rows = [_row(config, name, time_in_turns([each], repeats)[0]) for name, each in calls.items()]
    del calls
    for stage in ("experts", "dense"):
        torch.cuda.empty_cache()
        each = ffn_calls(config, stage == "dense", device, operators)
        rows.append(_row(config, stage, time_in_turns([each], repeats)[0]))
    return rows


def _row(config: FullConfig, stage: str, times: Sequence[float]) -> Measurement:
    notes = {
        "attention": "one layer with experts, up to the message that is ready",
        "head": "last sum, norm, head, argmax of one micro-batch",
        "experts": "intake to sums of one layer with experts, first FFN GPU, drawn routes",
        "dense": "the same of a layer without experts",
    }
    return row(stage_metric(config, stage), "us", times, notes[stage])
