import json
from pathlib import Path

import pytest

from regard.serving.cost.data_files import read_shipped
from regard.serving.cost.efficiency import NOMINAL, measured_efficiencies
from regard.serving.cost.precision import Precision

SHARES = (
    "projection_memory",
    "expert_memory",
    "expert_arithmetic",
    "dense_arithmetic",
    "copy_memory",
    "link",
    "network",
)


def test_kernels_are_those_of_the_committed_rows(repository: Path) -> None:
    lines = (repository / "results" / "kernels.jsonl").read_text().splitlines()
    latest = {row["metric"]: row["value"] for row in map(json.loads, lines)}
    for entry in read_shipped("efficiencies.yaml")["attention"]:
        assert entry["microseconds"] == pytest.approx(latest[entry["row"]], rel=0.005)


def test_nothing_is_faster_than_nominal() -> None:
    measured = measured_efficiencies()
    shares = [getattr(measured, name) for name in SHARES]
    assert all(0 < each <= 1 for each in [*shares, *(p.share for p in measured.attention)])
    assert all(getattr(NOMINAL, name) == 1 for name in SHARES)


def test_the_nearest_measured_context_counts() -> None:
    measured = measured_efficiencies()
    by_context = {p.context: p.share for p in measured.attention if p.precision == Precision.FP8}
    assert measured.attention_memory(Precision.FP8, 5000) == by_context[4096]
    assert measured.attention_memory(Precision.FP8, 100_000) == by_context[32768]
    assert measured.attention_memory(Precision.INT8, 4096) == measured.attention_memory(
        Precision.BF16, 4096
    )
    assert NOMINAL.attention_memory(Precision.FP8, 4096) == 1
