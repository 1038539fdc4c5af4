"""`regard cost plan`: a deployment for a model, a context and a time per token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regard.serving.cost.accelerators import choose
from regard.serving.cost.commands import options
from regard.serving.cost.planner import Goal, Plan, plan
from regard.serving.cost.step import Step
from regard.serving.cost.tables import Cell, Column, Table, print_output

DESCRIPTION = (
    "The deployment with the most tokens a second for each accelerator within a time per token: "
    "attention and feed-forward servers, micro-batches, spread of the experts, what binds. Two "
    "predictions: at the efficiencies that kernels reached (data/efficiencies.yaml), and at "
    "nominal speeds, which no implementation passes."
)
EXAMPLE = "regard cost plan --model step3 --context 4096 --tpot-ms 50 --accelerator h100 --gpus 32"
DEFAULT_SHOWN = 6
NOTE = (
    "Small kernels, sampling, stragglers and jitter are left out; experts are drawn evenly; shares "
    "measured on an H100 are applied to every accelerator. `limit` is what keeps the batch from "
    "growing."
)


def main(argv: Sequence[str]) -> int:
    """Runs the verb."""
    parser = options.new_parser("plan", DESCRIPTION, EXAMPLE)
    parser.add_argument("--model", required=True, help="a name, or the path of a config.json")
    options.add_formats(parser)
    options.add_context(parser, default=4096)
    parser.add_argument("--tpot-ms", type=float, default=50.0, help="longest time per output token")
    parser.add_argument("--accelerator", default="h100", help="for attention, and for all else")
    parser.add_argument("--ffn-accelerator", help="for feed-forwards, where another is wanted")
    parser.add_argument("--gpus", type=int, help="exactly so many accelerators in all")
    parser.add_argument("--show", type=int, default=DEFAULT_SHOWN, help="topologies to print")
    options.add_prices(parser)
    options.add_output(parser)
    arguments = parser.parse_args(argv)
    available = options.available_accelerators(arguments)
    attention_on = choose(available, arguments.accelerator)
    goal = Goal(
        architecture=options.chosen_model(arguments),
        context=arguments.context,
        tpot_seconds=arguments.tpot_ms / 1e3,
        attention_on=attention_on,
        ffn_on=choose(available, arguments.ffn_accelerator or attention_on.name),
        gpus=arguments.gpus,
    )
    plans = plan(goal)[: max(1, arguments.show)]
    tables = (plans_table(goal, plans), stages_table(plans[0]))
    data = [as_object(each) for each in plans]
    print_output(tables, data=data, as_json=arguments.json, as_csv=arguments.csv)
    return 0


def plans_table(goal: Goal, plans: Sequence[Plan]) -> Table:
    """The best first, then the runners-up."""
    columns = (
        Column(key="topology", title="topology"),
        Column(key="gpus", title="GPUs", form=",d"),
        Column(key="microbatches", title="micro-\nbatches", form="d"),
        Column(key="sequences", title="sequences\nof each", form="d"),
        Column(key="experts", title="experts"),
        Column(key="tpot_ms", title="ms a\ntoken", form=".1f"),
        Column(key="tokens_per_second_per_gpu", title="tokens/s\n/GPU", form=",.0f"),
        Column(key="binds", title="binds"),
        Column(key="limit", title="limit"),
        Column(key="roofline", title="tokens/s/GPU\nroofline", form=",.0f"),
        Column(key="usd", title="USD per\nM tokens", form=".3f"),
    )
    rows = []
    for each in plans:
        layout = each.deployment
        cells: tuple[Cell, ...] = (
            layout.topology,
            layout.gpus,
            layout.microbatches,
            layout.sequences,
            str(layout.sharding),
            each.measured.seconds * 1e3,
            each.measured.tokens_per_second_per_gpu,
            each.measured.binds,
            each.limit,
            each.roofline.tokens_per_second_per_gpu,
            each.usd_per_million_tokens,
        )
        rows.append(cells)
    machines = " + ".join(dict.fromkeys((goal.attention_on.label, goal.ffn_on.label)))
    title = (
        f"{goal.architecture.name} on {machines}, {goal.context:,} tokens of context, at most "
        f"{goal.tpot_seconds * 1e3:g} ms a token (predicted)"
    )
    return Table(title=title, columns=columns, rows=tuple(rows), caption=NOTE)


STAGES = (
    "cache_reads",
    "projections",
    "wire_out",
    "gather",
    "feed_forward",
    "scatter",
    "wire_back",
)


def stages_table(best: Plan) -> Table:
    """What one micro-batch takes in a layer, at both speeds."""
    columns = (
        Column(key="stage", title="stage"),
        Column(key="measured_us", title="measured us", form=".1f"),
        Column(key="roofline_us", title="roofline us", form=".1f"),
    )
    steps = (best.measured, best.roofline)
    rows: list[tuple[Cell, ...]] = [
        (name.replace("_", " "), *(_layer_us(each, name, best) for each in steps))
        for name in STAGES
    ]
    rows.append(("output head, once a step", *(each.stages.head * 1e6 for each in steps)))
    return Table(
        title=f"{best.deployment.topology}: one micro-batch in one layer, on average",
        columns=columns,
        rows=tuple(rows),
    )


def _layer_us(step: Step, stage: str, best: Plan) -> float:
    return float(getattr(step.stages, stage)) / best.deployment.architecture.layers * 1e6


def as_object(each: Plan) -> dict[str, Any]:
    """One plan for a program."""
    layout = each.deployment
    layers = layout.architecture.layers
    return {
        "topology": layout.topology,
        "attention_gpus": layout.attention_gpus,
        "ffn_gpus": 0 if layout.is_colocated else layout.ffn_gpus,
        "gpus": layout.gpus,
        "microbatches": layout.microbatches,
        "sequences_per_gpu_and_microbatch": layout.sequences,
        "experts": str(layout.sharding),
        "limit": each.limit,
        "attention_memory_bytes": layout.attention_memory,
        "ffn_memory_bytes": layout.ffn_memory,
        "usd_per_million_tokens": each.usd_per_million_tokens,
        **{
            name: {
                "tpot_ms": found.seconds * 1e3,
                "tokens_per_second_per_gpu": found.tokens_per_second_per_gpu,
                "binds": found.binds,
                "layer_us": {
                    stage: getattr(found.stages, stage) / layers * 1e6 for stage in STAGES
                },
            }
            for name, found in (("measured", each.measured), ("roofline", each.roofline))
        },
    }
