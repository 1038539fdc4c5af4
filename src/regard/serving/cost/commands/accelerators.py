"""`regard cost accelerators`: the accelerators that ship, and where their figures stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.commands import options
from regard.serving.cost.precision import Precision
from regard.serving.cost.tables import Cell, Column, Table, print_output

DESCRIPTION = (
    "Every accelerator: speeds, memory, links, price; each value with its source (--json)."
)
EXAMPLE = "regard cost accelerators --accelerators-file my_chips.yaml"


def main(argv: Sequence[str]) -> int:
    """Runs the verb."""
    parser = options.new_parser("accelerators", DESCRIPTION, EXAMPLE)
    options.add_prices(parser)
    options.add_output(parser)
    arguments = parser.parse_args(argv)
    found = list(options.available_accelerators(arguments).values())
    data = [as_object(each) for each in found]
    tables = [accelerators_table(found)]
    print_output(tables, data=data, as_json=arguments.json, as_csv=arguments.csv)
    return 0


def as_object(each: Accelerator) -> dict[str, Any]:
    """One accelerator for a program."""
    return {
        "name": each.name,
        "label": each.label,
        "usd_per_hour": each.usd_per_hour,
        "flops": {str(precision): value for precision, value in each.flops.items()},
        "memory_bytes_per_second": each.memory_bytes_per_second,
        "memory_bytes": each.memory_bytes,
        "gpus_per_server": each.gpus_per_server,
        "network_bytes_per_second": each.network_bytes_per_second,
        "link_bytes_per_second": each.link_bytes_per_second,
        "sources": dict(each.sources),
    }


def accelerators_table(found: Sequence[Accelerator]) -> Table:
    """A line an accelerator."""
    columns = (
        Column(key="name", title="name"),
        Column(key="label", title="accelerator"),
        Column(key="usd_per_hour", title="USD\nan hour", form=".2f"),
        Column(key="bf16", title="BF16\nTFLOP/s", form=",.0f"),
        Column(key="fp8", title="FP8\nTFLOP/s", form=",.0f"),
        Column(key="bandwidth", title="memory\nTB/s", form=".2f"),
        Column(key="memory", title="memory\nGB", form=".0f"),
        Column(key="roofline", title="roofline\nFLOP/B", form=".0f"),
        Column(key="link", title="link\nGB/s", form=",.0f"),
        Column(key="network", title="network\nGB/s a server", form=",.0f"),
    )
    rows: list[tuple[Cell, ...]] = []
    for each in found:
        speeds = [each.flops.get(precision) for precision in (Precision.BF16, Precision.FP8)]
        rows.append(
            (
                each.name,
                each.label,
                each.usd_per_hour,
                *(None if speed is None else speed / 1e12 for speed in speeds),
                each.memory_bytes_per_second / 1e12,
                each.memory_bytes / 1e9,
                each.roofline(Precision.FP8),
                each.link_bytes_per_second / 1e9,
                each.network_bytes_per_second / 1e9,
            )
        )
    return Table(
        title="Accelerators",
        columns=columns,
        rows=tuple(rows),
        caption="Dense speeds. Roofline: FP8, else BF16. Prices change: --price NAME=USD.",
    )
