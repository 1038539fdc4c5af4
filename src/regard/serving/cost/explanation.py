"""The derivation of a token's cost, line by line."""

from __future__ import annotations

from collections.abc import Sequence

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.analysis import TOKENS_PER_QUOTE, Speculation, token_cost
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.precision import Precision


def explain(
    architecture: Architecture,
    accelerators: Sequence[Accelerator],
    context: int,
    speculation: Speculation,
) -> list[str]:
    """Every figure of `token_cost` with its formula, in symbols and in numbers."""
    lines = [f"{architecture.name} at a context of {context:,}"]
    lines += [f"  assumed: {each}" for each in architecture.assumptions]
    for derivation in (
        architecture.kv_bytes(context),
        architecture.attention_flops(context),
        architecture.linear_flops(),
        architecture.ffn_flops(),
    ):
        lines += derivation.lines()
    flops, read = architecture.attention_flops(context).value, architecture.kv_bytes(context).value
    lines.append("intensity = attention FLOPs / KV bytes")
    lines.append(f"    = {flops:.4g} / {read:.4g} = {flops / read:.4g} FLOP/B")
    if speculation.num_drafted:
        lines.append("tokens kept in a step = sum of acceptance^i for i = 0 .. drafted")
        lines.append(f"    = {speculation.kept:.4g} of {speculation.computed} computed")
    for accelerator in accelerators:
        lines += _explain_dollars(architecture, accelerator, context, speculation)
    return [*lines, *_explain_pair(architecture, accelerators, context, speculation)]


def _explain_dollars(
    architecture: Architecture, accelerator: Accelerator, context: int, speculation: Speculation
) -> list[str]:
    computed, kept = speculation.computed, speculation.kept
    cost = token_cost(architecture, [accelerator], context, speculation)
    flop = accelerator.usd_per_flop(architecture.attention_precision)
    weight_flop = accelerator.usd_per_flop(architecture.weight_precision)
    byte = accelerator.usd_per_byte
    arithmetic, memory = cost.attention_flops * computed * flop, cost.kv_bytes * byte
    bound = "arithmetic" if arithmetic > memory else "memory"
    linear = cost.linear_flops * computed * weight_flop
    ffn = cost.ffn_flops * computed * weight_flop
    step = "" if computed == 1 else f" x {computed} computed / {kept:.4g} kept"
    return [
        f"on {accelerator.name}, at {accelerator.usd_per_hour} USD an hour "
        f"({accelerator.sources['usd_per_hour']})",
        *_price_lines(architecture.attention_precision, "cache", accelerator),
        *_price_lines(architecture.weight_precision, "weights", accelerator),
        "  USD per byte = USD an hour / 3600 / bytes a second",
        f"    = {accelerator.usd_per_hour} / 3600 / {accelerator.memory_bytes_per_second:.4g}"
        f" = {byte:.4g}",
        "  attention = (max(attention FLOPs x USD per FLOP, KV bytes x USD per byte)"
        f" + linear FLOPs x USD per FLOP) x {TOKENS_PER_QUOTE:,}{step}",
        f"    = (max({arithmetic:.4g}, {memory:.4g}) + {linear:.4g}) x {TOKENS_PER_QUOTE:,}"
        f" = {cost.attention_usd[accelerator.name]:.4g} USD per million tokens, bound by {bound}",
        f"  FFN = FFN FLOPs x USD per FLOP x {TOKENS_PER_QUOTE:,}{step}",
        f"    = {ffn:.4g} x {TOKENS_PER_QUOTE:,}"
        f" = {cost.ffn_usd[accelerator.name]:.4g} USD per million tokens",
        "    [rule: given batch enough that weights are amortised, the network hidden]",
    ]


def _price_lines(wanted: Precision, what: str, accelerator: Accelerator) -> list[str]:
    used = accelerator.compute_precision(wanted)
    speed = accelerator.flops[used]
    lines = [
        f"  USD per FLOP on {what} = USD an hour / 3600 / FLOP a second in {used}",
        f"    = {accelerator.usd_per_hour} / 3600 / {speed:.4g}"
        f" = {accelerator.usd_per_flop(wanted):.4g}",
    ]
    if used is not wanted:
        lines.append(
            f"    [rule: no {wanted} arithmetic here; it is kept in memory, run in {used}]"
        )
    return lines


def _explain_pair(
    architecture: Architecture,
    accelerators: Sequence[Accelerator],
    context: int,
    speculation: Speculation,
) -> list[str]:
    cost = token_cost(architecture, accelerators, context, speculation)
    attention, ffn = cost.afd_pair
    return [
        "AFD = least attention + least FFN over the accelerators",
        f"    = {cost.attention_usd[attention]:.4g} ({attention}) + {cost.ffn_usd[ffn]:.4g} ({ffn})"
        f" = {cost.afd_usd:.4g} USD per million tokens",
    ]
