"""`regard cost sweep`: cost over contexts, prices, formats or drafted tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.analysis import NO_SPECULATION, Speculation, TokenCost, token_cost
from regard.serving.cost.commands import options
from regard.serving.cost.errors import CostError
from regard.serving.cost.model_choice import FormatChoice, choose_models
from regard.serving.cost.precision import parse_precision
from regard.serving.cost.tables import Cell, Column, Table, print_output

DESCRIPTION = (
    "The table of `regard cost table` at each of several contexts, price factors, KV formats and "
    "numbers of drafted tokens: every combination, one line a model."
)
EXAMPLE = "regard cost sweep --models step3 deepseek-v3 --contexts 4k 8k 32k 128k --csv"


def main(argv: Sequence[str]) -> int:
    """Runs the verb."""
    parser = options.new_parser("sweep", DESCRIPTION, EXAMPLE)
    options.add_models(parser)
    options.add_accelerators(parser)
    parser.add_argument("--contexts", nargs="+", type=options.tokens, default=[8192, 32768])
    parser.add_argument(
        "--price-factors", nargs="+", type=float, default=[1.0], help="on every price"
    )
    parser.add_argument("--kv-formats", nargs="+", help="instead of each model's own")
    parser.add_argument("--drafted", nargs="+", type=int, default=[0], help="drafted tokens")
    parser.add_argument("--acceptance", type=float, help="chance that a drafted token is kept")
    options.add_output(parser)
    arguments = parser.parse_args(argv)
    if any(arguments.drafted) and arguments.acceptance is None:
        raise CostError("--drafted needs --acceptance: the cost depends on how many are kept")
    points = list(_points(arguments))
    data = [_as_object(settings, cost) for settings, cost in points]
    tables = [sweep_table(data)]
    print_output(tables, data=data, as_json=arguments.json, as_csv=arguments.csv)
    return 0


def _points(arguments: Any) -> Iterator[tuple[dict[str, Any], TokenCost]]:
    accelerators = options.chosen_accelerators(arguments)
    own = options.chosen_formats(arguments)
    formats = arguments.kv_formats or [None]
    for kv, factor, drafted, context in product(
        formats, arguments.price_factors, arguments.drafted, arguments.contexts
    ):
        choice = (
            own
            if kv is None
            else FormatChoice(weights=own.weights, kv=parse_precision(kv), state=own.state)
        )
        speculation = NO_SPECULATION
        if drafted:
            speculation = Speculation(num_drafted=drafted, acceptance=arguments.acceptance)
        priced = [_scaled(each, factor) for each in accelerators]
        settings = {"kv": kv or "own", "price_factor": factor, "drafted": drafted}
        for model in choose_models(arguments.models, choice, family=arguments.family):
            yield settings, token_cost(model, priced, context, speculation)


def _scaled(accelerator: Accelerator, factor: float) -> Accelerator:
    if accelerator.usd_per_hour is None or factor == 1.0:
        return accelerator
    return accelerator.with_price(accelerator.usd_per_hour * factor)


def _as_object(settings: dict[str, Any], cost: TokenCost) -> dict[str, Any]:
    attention, ffn = cost.afd_pair
    colocated = cost.colocated_usd
    cheapest = min(colocated, key=colocated.__getitem__)
    return {
        "model": cost.model,
        "context": cost.context,
        **settings,
        "colocated_usd": colocated[cheapest],
        "colocated_on": cheapest,
        "afd_usd": cost.afd_usd,
        "attention_on": attention,
        "ffn_on": ffn,
    }


def sweep_table(data: Sequence[dict[str, Any]]) -> Table:
    """A line a model and setting."""
    columns = (
        Column(key="model", title="model"),
        Column(key="context", title="context", form=",d"),
        Column(key="kv", title="KV"),
        Column(key="price_factor", title="price x", form=".2f"),
        Column(key="drafted", title="drafted", form="d"),
        Column(key="colocated_usd", title="colocated", form=".3f"),
        Column(key="colocated_on", title="on"),
        Column(key="afd_usd", title="AFD", form=".3f"),
        Column(key="attention_on", title="attention on"),
        Column(key="ffn_on", title="FFN on"),
    )
    rows: list[tuple[Cell, ...]] = [tuple(each[column.key] for column in columns) for each in data]
    return Table(
        title="USD per million decoded tokens, on the cheapest of the accelerators",
        columns=columns,
        rows=tuple(rows),
    )
