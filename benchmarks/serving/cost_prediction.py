"""The planner against the throughputs that the Step-3 report measured; nothing is fitted to them.

Table 8 of arXiv:2507.19427: tokens/s/GPU in the best minute, on "latest Hopper GPUs", taken here
for H100s.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

from regard.common.rows import Measurement, write_rows
from regard.serving.cost.accelerators import shipped_accelerators
from regard.serving.cost.data_files import read_shipped
from regard.serving.cost.deployment import Deployment
from regard.serving.cost.efficiency import NOMINAL, measured_efficiencies
from regard.serving.cost.model_choice import FormatChoice, choose_model
from regard.serving.cost.precision import Precision
from regard.serving.cost.step import step

SEED = 0
NUM_MICROBATCHES = 3


class Published(NamedTuple):
    """One measured deployment of the report."""

    attention_servers: int
    ffn_servers: int
    batch: int
    context: int
    kv: str
    tokens_per_second_per_gpu: float


PUBLISHED = tuple(Published(**each) for each in read_shipped("paper.yaml")["deployments"])


def deployment_of(published: Published) -> Deployment:
    """Its layout on H100s."""
    h100 = shipped_accelerators()["h100"]
    gpus = published.attention_servers * h100.gpus_per_server
    return Deployment(
        architecture=choose_model("step3", FormatChoice(kv=Precision(published.kv))),
        attention_on=h100,
        ffn_on=h100,
        attention_servers=published.attention_servers,
        ffn_servers=published.ffn_servers,
        sequences=published.batch // NUM_MICROBATCHES // gpus,
        microbatches=NUM_MICROBATCHES,
        context=published.context,
    )


def summarise() -> list[Measurement]:
    """Signed error of each prediction."""
    rows = []
    for published in PUBLISHED:
        deployment = deployment_of(published)
        found = step(deployment, measured_efficiencies())
        ceiling = step(deployment, NOMINAL)
        wanted = published.tokens_per_second_per_gpu
        rows.append(
            Measurement(
                metric=f"serving.cost_prediction_error/{deployment.topology}",
                value=found.tokens_per_second_per_gpu / wanted - 1,
                unit="1",
                n=1,
                notes=f"predicted {found.tokens_per_second_per_gpu:,.0f} tokens/s/GPU at measured "
                f"efficiencies ({found.seconds * 1e3:.1f} ms a token, {found.binds} binds), "
                f"{ceiling.tokens_per_second_per_gpu:,.0f} at the roofline; published "
                f"{wanted:,.0f} (best minute); {published.context} tokens, {published.kv} cache; "
                "a model, not a measurement: small kernels, imbalance, jitter left out",
            )
        )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Predict, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    rows = summarise()
    for row in rows:
        print(f"{row.metric} {row.value:+.3f} {row.notes}")
    if options.write:
        command = "python -m benchmarks.serving.cost_prediction --write"
        write_rows("serving_cost", rows, command=command, seed=SEED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
