"""`regard cost report`: one HTML page with all of it, and its figures."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from regard.serving.cost import figures
from regard.serving.cost.accelerators import Accelerator, choose
from regard.serving.cost.analysis import NO_SPECULATION, token_cost
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.commands import options
from regard.serving.cost.commands.plan import plans_table, stages_table
from regard.serving.cost.commands.roofline import roofline_table
from regard.serving.cost.commands.sparsity import as_object, sparsity_table
from regard.serving.cost.commands.table import counts_table, dollars_table
from regard.serving.cost.data_files import read_shipped
from regard.serving.cost.efficiency import NOMINAL, measured_efficiencies
from regard.serving.cost.explanation import explain
from regard.serving.cost.planner import Goal, pareto, plan
from regard.serving.cost.report import Section, render
from regard.serving.cost.step import Step

DESCRIPTION = "One self-contained HTML page, and its figures beside it as SVG and PNG."
EXAMPLE = "regard cost report --output cost_report"
CONTEXTS = (8192, 32768)
# Seconds.
TPOTS = (0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.07, 0.1)
PUBLISHED_MODEL = "step3"
ASSUMPTIONS = (
    "A token costs max(attention FLOPs x USD per FLOP, cache bytes x USD per byte) + projection "
    "FLOPs x USD per FLOP for attention, and FFN FLOPs x USD per FLOP for the feed-forward; AFD "
    "takes each where it is cheapest (arXiv:2507.19427, section 3).",
    "Weights are amortised over enough tokens, the network is hidden, embedding and head are left "
    "out: costs are floors. The plans below count weights, network, head and whole servers.",
    "Rules that the report leaves unsaid, chosen because they reproduce its cells: see "
    "regard cost table --explain, where each stands as [rule: ...].",
    "Prices are those of the report for its four accelerators, list prices with their source for "
    "the others; regard cost accelerators --json shows every source.",
    "Predictions leave out small kernels, sampling, stragglers, jitter and the imbalance of real "
    "routing; efficiencies were measured on one H100 and are applied as shares elsewhere.",
)


def main(argv: Sequence[str]) -> int:
    """Runs the verb."""
    parser = options.new_parser("report", DESCRIPTION, EXAMPLE)
    parser.add_argument("--output", type=Path, default=Path("cost_report"), help="a folder")
    options.add_models(parser)
    options.add_accelerators(parser)
    parser.add_argument("--plan-model", default="step3", help="whose deployments are planned")
    parser.add_argument("--plan-accelerator", default="h100", help="on what")
    parser.add_argument("--plan-gpus", type=int, default=32, help="how many of them")
    arguments = parser.parse_args(argv)
    models = options.chosen_models(arguments)
    accelerators = options.chosen_accelerators(arguments)
    goal = _goal(arguments)
    drawn = draw(models, accelerators, goal)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, figure in drawn.items():
        for ending in ("svg", "png"):
            figures.save(figure, arguments.output / f"{name}.{ending}")
    page = render(
        "What does a decoded token cost?",
        "The analysis of the Step-3 report (arXiv:2507.19427) as computed by regard.serving.cost.",
        sections(models, accelerators, goal, drawn),
        marked=goal.architecture.name,
    )
    path = arguments.output / "index.html"
    path.write_text(page, encoding="utf-8")
    print(path)
    return 0


def _goal(arguments: argparse.Namespace) -> Goal:
    arguments.model = arguments.plan_model
    on = choose(options.available_accelerators(arguments), arguments.plan_accelerator)
    return Goal(
        architecture=options.chosen_model(arguments),
        context=4096,
        tpot_seconds=0.05,
        attention_on=on,
        ffn_on=on,
        gpus=arguments.plan_gpus,
    )


def draw(
    models: Sequence[Architecture], accelerators: Sequence[Accelerator], goal: Goal
) -> Mapping[str, Figure]:
    """Every figure by its file's name."""
    return {
        "cost_over_context": figures.cost_over_context(models, accelerators),
        "cost_parts": figures.cost_parts(models, accelerators, CONTEXTS[0]),
        "rooflines": figures.rooflines(models, accelerators, CONTEXTS[0]),
        "pareto": figures.pareto_curves(_curves(goal), _published(goal)),
    }


def _curves(goal: Goal) -> dict[str, list[Step]]:
    label = f"{goal.architecture.name} on {goal.gpus} x {goal.attention_on.name}, predicted"
    efficiencies = {
        "at measured efficiencies": measured_efficiencies(),
        "at nominal speed": NOMINAL,
    }
    return {
        f"{label} {name}": [each.measured for each in pareto(goal, list(TPOTS), efficiency)]
        for name, efficiency in efficiencies.items()
    }


def _published(goal: Goal) -> list[figures.Point]:
    """What the report measured of its own model."""
    if goal.architecture.name != PUBLISHED_MODEL:
        return []
    per_server = goal.attention_on.gpus_per_server
    points = []
    for each in read_shipped("paper.yaml")["deployments"]:
        servers = each["attention_servers"] + each["ffn_servers"]
        rate = each["tokens_per_second_per_gpu"]
        name = f"{each['attention_servers']}A{each['ffn_servers']}F, published"
        seconds = each["batch"] / rate / (servers * per_server)
        points.append(figures.Point(name, seconds * 1e3, rate))
    return points


def sections(
    models: Sequence[Architecture],
    accelerators: Sequence[Accelerator],
    goal: Goal,
    drawn: Mapping[str, Figure],
) -> list[Section]:
    """The page's parts."""
    near, far = CONTEXTS
    derivation = explain(goal.architecture, accelerators[:2], near, NO_SPECULATION)
    return [
        Section(
            title="Cost against context",
            text="Attention grows with the context and the feed-forward does not, so the order of "
            "models changes with the length of what is read.",
            figure=drawn["cost_over_context"],
        ),
        *_dollars(models, accelerators, drawn["cost_parts"]),
        Section(
            title="Attention against the roofline",
            text="Left of an accelerator's knee its arithmetic idles, right of it its memory.",
            figure=drawn["rooflines"],
            tables=(roofline_table(models, accelerators, near),),
        ),
        _sparsity(models, accelerators[0]),
        _deployment(goal, drawn["pareto"]),
        Section(title="Assumptions", points=ASSUMPTIONS),
        Section(title="One derivation", points=derivation),
    ]


def _dollars(
    models: Sequence[Architecture], accelerators: Sequence[Accelerator], figure: Figure
) -> list[Section]:
    costs = [[token_cost(m, accelerators, c, NO_SPECULATION) for m in models] for c in CONTEXTS]
    return [
        Section(
            title="Where the money goes",
            text="Each half on the accelerator that is cheapest for it.",
            figure=figure,
            tables=[dollars_table(each, accelerators) for each in costs],
        ),
        Section(title="What is counted", tables=[counts_table(models, each) for each in costs]),
    ]


def _sparsity(models: Sequence[Architecture], accelerator: Accelerator) -> Section:
    data = [
        as_object(each, accelerator, tpot_seconds=0.05, num_stages=3, nic_bytes_per_second=None)
        for each in models
        if each.moe
    ]
    return Section(title="Experts against the network", tables=(sparsity_table(data),))


def _deployment(goal: Goal, figure: Figure) -> Section:
    plans = plan(goal)
    return Section(
        title="A deployment",
        text="Throughput against time per token, each point the best layout within that time. "
        "Crosses: the report's own deployments, which had other numbers of GPUs.",
        figure=figure,
        tables=(plans_table(goal, plans), stages_table(plans[0])),
    )
