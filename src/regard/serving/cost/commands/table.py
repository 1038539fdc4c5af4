"""`regard cost table`: what a token of each model costs at one context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.analysis import TokenCost, token_cost
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.commands import options
from regard.serving.cost.explanation import explain
from regard.serving.cost.tables import Cell, Column, Table, print_output

DESCRIPTION = (
    "Dollars per million decoded tokens, after the Step-3 report: attention is the dearer of its "
    "arithmetic and its cache reads, plus its projections; the feed-forward is its arithmetic; "
    "AFD puts each half where it is cheapest. The network counts as hidden; see `regard cost plan` "
    "for what it takes."
)
EXAMPLE = "regard cost table --context 32k --models step3 deepseek-v3 --accelerators h800 h20"
DEFAULT_CONTEXT = 8192


def main(argv: Sequence[str]) -> int:
    """Runs the verb."""
    parser = options.new_parser("table", DESCRIPTION, EXAMPLE)
    options.add_context(parser, default=DEFAULT_CONTEXT)
    options.add_models(parser)
    options.add_accelerators(parser)
    options.add_speculation(parser)
    parser.add_argument("--explain", action="store_true", help="print every formula, filled in")
    options.add_output(parser)
    arguments = parser.parse_args(argv)
    models = options.chosen_models(arguments)
    accelerators = options.chosen_accelerators(arguments)
    speculation = options.chosen_speculation(arguments)
    if arguments.explain:
        for model in models:
            print(
                "\n".join(explain(model, accelerators, arguments.context, speculation)), end="\n\n"
            )
        return 0
    costs = [token_cost(model, accelerators, arguments.context, speculation) for model in models]
    tables = (counts_table(models, costs), dollars_table(costs, accelerators))
    data = [as_object(cost) for cost in costs]
    print_output(tables, data=data, as_json=arguments.json, as_csv=arguments.csv)
    return 0


def as_object(cost: TokenCost) -> dict[str, Any]:
    """One model's figures for a program."""
    attention, ffn = cost.afd_pair
    return {
        "model": cost.model,
        "context": cost.context,
        "kv_bytes": cost.kv_bytes,
        "attention_flops": cost.attention_flops,
        "linear_flops": cost.linear_flops,
        "ffn_flops": cost.ffn_flops,
        "intensity": cost.intensity,
        "attention_usd": dict(cost.attention_usd),
        "ffn_usd": dict(cost.ffn_usd),
        "colocated_usd": cost.colocated_usd,
        "afd_usd": cost.afd_usd,
        "afd_pair": {"attention": attention, "ffn": ffn},
    }


def counts_table(models: Sequence[Architecture], costs: Sequence[TokenCost]) -> Table:
    """Parameters, bytes and operations."""
    columns = (
        Column(key="model", title="model"),
        Column(key="attention", title="attention"),
        Column(key="parameters", title="parameters", form=".3e"),
        Column(key="active", title="active", form=".3e"),
        Column(key="kv_bytes", title="KV B", form=".2e"),
        Column(key="attention_flops", title="attention FLOP", form=".2e"),
        Column(key="linear_flops", title="linear FLOP", form=".2e"),
        Column(key="ffn_flops", title="FFN FLOP", form=".2e"),
        Column(key="intensity", title="FLOP/B", form=".0f"),
    )
    rows = tuple(
        (
            cost.model,
            " + ".join(model.families),
            model.parameters,
            model.active_parameters,
            cost.kv_bytes,
            cost.attention_flops,
            cost.linear_flops,
            cost.ffn_flops,
            cost.intensity,
        )
        for model, cost in zip(models, costs, strict=True)
    )
    context = costs[0].context
    return Table(title=f"One decoded token at a context of {context:,}", columns=columns, rows=rows)


def dollars_table(costs: Sequence[TokenCost], accelerators: Sequence[Accelerator]) -> Table:
    """Dollars per million tokens, a column for each accelerator and part."""
    names = [each.name for each in accelerators]
    parts = ("attention", "ffn", "colocated")
    columns = (
        Column(key="model", title="model"),
        *(
            Column(key=f"{part}_usd_{name}", title=f"{part}\n{name}", form=".3f")
            for part in parts
            for name in names
        ),
        Column(key="afd_usd", title="AFD", form=".3f"),
        Column(key="afd_pair", title="on"),
    )
    rows: list[tuple[Cell, ...]] = []
    for cost in costs:
        halves = (cost.attention_usd, cost.ffn_usd, cost.colocated_usd)
        dollars = [half[name] for half in halves for name in names]
        rows.append((cost.model, *dollars, cost.afd_usd, " + ".join(cost.afd_pair)))
    prices = ", ".join(f"{each.name} {each.usd_per_hour:.2f}" for each in accelerators)
    return Table(
        title=f"USD per million decoded tokens at a context of {costs[0].context:,}",
        columns=columns,
        rows=tuple(rows),
        caption=f"USD an hour: {prices}. AFD: attention + FFN, each where it is cheapest.",
    )
