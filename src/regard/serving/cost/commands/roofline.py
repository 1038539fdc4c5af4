"""`regard cost roofline`: where attention of each model meets the limits of each accelerator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.commands import options
from regard.serving.cost.tables import Cell, Column, Table, print_output

DESCRIPTION = (
    "Attention's operations for each byte of cache, over the operations that an accelerator does "
    "while it reads a byte: below 1 memory binds and arithmetic idles, above 1 the reverse."
)
EXAMPLE = "regard cost roofline --accelerators h800 h20 a800 --context 32k"


def main(argv: Sequence[str]) -> int:
    """Runs the verb."""
    parser = options.new_parser("roofline", DESCRIPTION, EXAMPLE)
    options.add_context(parser, default=8192)
    options.add_models(parser)
    options.add_accelerators(parser)
    options.add_output(parser)
    arguments = parser.parse_args(argv)
    models = options.chosen_models(arguments)
    accelerators = options.chosen_accelerators(arguments)
    data = [as_object(each, accelerators, arguments.context) for each in models]
    tables = [roofline_table(models, accelerators, arguments.context)]
    print_output(tables, data=data, as_json=arguments.json, as_csv=arguments.csv)
    return 0


def balance(model: Architecture, accelerator: Accelerator, context: int) -> float:
    """Intensity over the accelerator's roofline in the format of the model's attention."""
    return model.intensity(context) / accelerator.roofline(model.attention_precision)


def as_object(
    model: Architecture, accelerators: Sequence[Accelerator], context: int
) -> dict[str, Any]:
    """One model for a program."""
    return {
        "model": model.name,
        "context": context,
        "intensity": model.intensity(context),
        "balance": {each.name: balance(model, each, context) for each in accelerators},
    }


def roofline_table(
    models: Sequence[Architecture], accelerators: Sequence[Accelerator], context: int
) -> Table:
    """A line a model, a column an accelerator."""
    columns = (
        Column(key="model", title="model"),
        Column(key="intensity", title="FLOP/B", form=".0f"),
        *(Column(key=each.name, title=each.name, form=".2f") for each in accelerators),
        Column(key="nearest", title="nearest to 1"),
    )
    rows: list[tuple[Cell, ...]] = []
    for model in models:
        shares = {each.name: balance(model, each, context) for each in accelerators}
        nearest = min(shares, key=lambda name: max(shares[name], 1 / shares[name]))
        rows.append((model.name, model.intensity(context), *shares.values(), nearest))
    return Table(
        title=f"Attention's intensity over the roofline at a context of {context:,}",
        columns=columns,
        rows=tuple(rows),
        caption="Below 1 memory binds, above 1 arithmetic; nearest to 1, least idles.",
    )
