"""`regard tradeoffs cells` writes the table that the logs give."""

import json
from pathlib import Path

import pytest

from regard.tradeoffs.cells import read_cells
from regard.tradeoffs.cells_command import main
from regard.tradeoffs.plan import planned_cells
from regard.tradeoffs.task import build_task
from tests.tradeoffs.inspect_runs import evaluate, output, tiny_plan


def test_it_writes_what_the_logs_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tiny_plan(runs=1)
    task = build_task(plan, planned_cells(plan)[:2], epochs=1)
    evaluate(task, lambda prompt, config: output("K"), tmp_path / "logs")
    out = tmp_path / "cells.csv"
    assert main([str(tmp_path / "logs"), "--out", str(out), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["cells"], shown["answers"], shown["plan"]) == (2, 2, plan.digest())
    assert len(read_cells(out)) == 2
