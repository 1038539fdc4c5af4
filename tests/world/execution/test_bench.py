"""Running many trials, and summing them up."""

import json
from pathlib import Path

import pytest

from regard.world.execution import bench
from regard.world.execution.bench import BenchConfig, BenchError, run_bench, summarise


def _config(records: Path | None, trials: int = 4) -> BenchConfig:
    return BenchConfig(trials=trials, seed=1, held_out=False, workers=1, ray=None, records=records)


@pytest.fixture
def calls(monkeypatch) -> list[int]:
    indices: list[int] = []

    def row(index: int, **_: object) -> dict:
        indices.append(index)
        return {
            "index": index,
            "family": "fetch" if index % 2 else "pour",
            "is_success": index != 3,
            "is_collateral": index == 3,
            "seed": 1,
            "held_out": False,
        }

    monkeypatch.setattr(bench, "_row", row)
    return indices


def test_a_run_that_was_broken_off_goes_on(calls, tmp_path) -> None:
    records = tmp_path / "trials.jsonl"
    run_bench(_config(records, trials=2), menagerie=tmp_path, progress=False)
    with records.open("a") as file:
        file.write('{"index": 2, "fam')
    rows = run_bench(_config(records), menagerie=tmp_path, progress=False)
    assert calls == [0, 1, 2, 3]
    assert [row["index"] for row in rows] == [0, 1, 2, 3]


def test_records_of_another_seed_are_refused(calls, tmp_path) -> None:
    records = tmp_path / "trials.jsonl"
    records.write_text(json.dumps({"index": 0, "seed": 2, "held_out": False}) + "\n")
    with pytest.raises(BenchError, match="line 1"):
        run_bench(_config(records), menagerie=tmp_path, progress=False)


def test_the_summary_counts_families_apart(calls, tmp_path) -> None:
    rows = run_bench(_config(None), menagerie=tmp_path, progress=False)
    summary = summarise(rows, seed=1)
    assert (summary["trials"], summary["success_rate"]) == (4, 0.75)
    assert summary["collateral_rate"] == 0.25
    assert summary["families"]["pour"]["success_rate"] == 1.0
    assert summary["low"] < 0.75 < summary["high"]
