"""`regard tradeoffs plan` writes the plan and shows what it comes to."""

import json
from pathlib import Path

import pytest

from regard.tradeoffs.plan import read_plan
from regard.tradeoffs.plan_command import main


def test_it_writes_a_plan_that_reads_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.json"
    assert main(["--size", "short", "--out", str(path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["digest"] == read_plan(path).digest()
    assert shown["calls"] == shown["cells"] * 5
    assert {block["block"] for block in shown["blocks"]} == {"baseline", "main", "questions"}


def test_without_a_file_it_says_that_nothing_was_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--task", "replica"]) == 0
    shown = capsys.readouterr().out
    assert "37 cells, 1850 calls" in shown
    assert "not written" in shown
