"""`regard cost sparsity`: how sparse experts may be before the network binds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from regard.serving.cost.accelerators import Accelerator
from regard.serving.cost.analysis import dense_batch, minimum_sparsity, moe_batch
from regard.serving.cost.architecture import Architecture
from regard.serving.cost.commands import options
from regard.serving.cost.errors import CostError, require_positive
from regard.serving.cost.tables import Cell, Column, Table, print_output

DESCRIPTION = (
    "The least share of active experts that a network can feed at high utilisation, against each "
    "model's own, and the batch from which its experts are bound by arithmetic."
)
EXAMPLE = "regard cost sparsity --accelerators h800 --nic-gigabytes-per-second 40"


def main(argv: Sequence[str]) -> int:
    """Runs the verb."""
    parser = options.new_parser("sparsity", DESCRIPTION, EXAMPLE)
    options.add_models(parser)
    options.add_accelerators(parser)
    parser.add_argument("--tpot-ms", type=float, default=50.0, help="time per output token")
    parser.add_argument("--stages", type=int, default=3, help="stages of the pipeline")
    parser.add_argument(
        "--nic-gigabytes-per-second",
        type=float,
        help="what one accelerator's share of the NICs reaches; by default nominal",
    )
    options.add_output(parser)
    arguments = parser.parse_args(argv)
    require_positive("--tpot-ms", arguments.tpot_ms)
    require_positive("--stages", arguments.stages)
    nic = arguments.nic_gigabytes_per_second
    if nic is not None:
        require_positive("--nic-gigabytes-per-second", nic)
    models = [each for each in options.chosen_models(arguments) if each.moe]
    if not models:
        raise CostError("none of these models has experts")
    accelerators = options.chosen_accelerators(arguments)
    data = [
        as_object(
            model,
            accelerator,
            tpot_seconds=arguments.tpot_ms / 1e3,
            num_stages=arguments.stages,
            nic_bytes_per_second=None if nic is None else nic * 1e9,
        )
        for model in models
        for accelerator in accelerators
    ]
    tables = [sparsity_table(data)]
    print_output(tables, data=data, as_json=arguments.json, as_csv=arguments.csv)
    return 0


def as_object(
    model: Architecture,
    accelerator: Accelerator,
    *,
    tpot_seconds: float,
    num_stages: int,
    nic_bytes_per_second: float | None,
) -> dict[str, Any]:
    """One model on one accelerator for a program."""
    if model.moe is None:
        raise CostError(f"{model.name} has no experts")
    network = nic_bytes_per_second and nic_bytes_per_second * accelerator.gpus_per_server
    least = minimum_sparsity(
        accelerator,
        hidden=model.hidden,
        layers=model.layers,
        tpot_seconds=tpot_seconds,
        num_stages=num_stages,
        network_bytes_per_second=network,
    )
    own = model.moe.sparsity
    return {
        "model": model.name,
        "accelerator": accelerator.name,
        "sparsity": own,
        "minimum_sparsity": least,
        "network_feeds_it": own >= least,
        "dense_batch": dense_batch(accelerator, model.weight_precision),
        "moe_batch": moe_batch(accelerator, model.weight_precision, own),
    }


def sparsity_table(data: Sequence[dict[str, Any]]) -> Table:
    """A line a model and accelerator."""
    columns = (
        Column(key="model", title="model"),
        Column(key="accelerator", title="on"),
        Column(key="sparsity", title="active share", form=".4f"),
        Column(key="minimum_sparsity", title="least the\nnetwork feeds", form=".4f"),
        Column(key="network_feeds_it", title=""),
        Column(key="dense_batch", title="batch,\ndense", form=",.0f"),
        Column(key="moe_batch", title="batch,\nexperts", form=",.0f"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            each["model"],
            each["accelerator"],
            each["sparsity"],
            each["minimum_sparsity"],
            "feeds it" if each["network_feeds_it"] else "network binds",
            math.ceil(each["dense_batch"]),
            math.ceil(each["moe_batch"]),
        )
        for each in data
    ]
    return Table(
        title="Experts against the network",
        columns=columns,
        rows=tuple(rows),
        caption="Batches: tokens at which arithmetic binds; below, reading weights does.",
    )
