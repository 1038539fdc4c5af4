"""`regard cost models`: the models that ship, and where their figures stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regard.serving.cost.architectures import Preset, preset, preset_names
from regard.serving.cost.commands import options
from regard.serving.cost.tables import Cell, Column, Table, print_output

DESCRIPTION = "Every model that ships: parameters counted and published, attention, formats."
EXAMPLE = "regard cost models --json"


def main(argv: Sequence[str]) -> int:
    """Runs the verb."""
    parser = options.new_parser("models", DESCRIPTION, EXAMPLE)
    options.add_output(parser)
    arguments = parser.parse_args(argv)
    found = [preset(name) for name in preset_names()]
    data = [as_object(each) for each in found]
    tables = [models_table(found)]
    print_output(tables, data=data, as_json=arguments.json, as_csv=arguments.csv)
    return 0


def as_object(found: Preset) -> dict[str, Any]:
    """One model for a program."""
    model = found.architecture
    return {
        "name": found.name,
        "label": found.label,
        "parameters": model.parameters,
        "active_parameters": model.active_parameters,
        "published_parameters": found.published_parameters,
        "published_source": found.published_source,
        "layers": model.layers,
        "attention": list(model.families),
        "experts": model.moe.experts if model.moe else None,
        "active_experts": model.moe.active if model.moe else None,
        "sparsity": model.moe.sparsity if model.moe else None,
        "weights": str(model.weight_precision),
        "formats_source": found.formats_source,
        "source": found.source,
    }


def models_table(found: Sequence[Preset]) -> Table:
    """A line a model."""
    columns = (
        Column(key="name", title="name"),
        Column(key="label", title="model"),
        Column(key="parameters", title="parameters\nB", form=",.1f"),
        Column(key="error", title="against\npublished", form="+.1%"),
        Column(key="active", title="active\nB", form=",.1f"),
        Column(key="layers", title="layers", form="d"),
        Column(key="attention", title="attention"),
        Column(key="experts", title="experts\nactive/all"),
        Column(key="weights", title="weights"),
    )
    rows: list[tuple[Cell, ...]] = []
    for each in found:
        model, moe = each.architecture, each.architecture.moe
        rows.append(
            (
                each.name,
                each.label,
                model.parameters / 1e9,
                model.parameters / each.published_parameters - 1,
                model.active_parameters / 1e9,
                model.layers,
                " + ".join(model.families),
                f"{moe.active}/{moe.experts}" if moe else None,
                str(model.weight_precision),
            )
        )
    return Table(
        title="Models; a config.json of any of these families can be given by its path instead",
        columns=columns,
        rows=tuple(rows),
        caption="Multi-token-prediction layers are left out. Sources: --json.",
    )
