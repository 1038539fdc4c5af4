"""The short form names the gate that fails, leaves its evidence, and is not asked twice."""

import json
from pathlib import Path

import pytest

from regard.tradeoffs import check as check_module
from regard.tradeoffs.cells import read_cells
from regard.tradeoffs.check import check
from regard.tradeoffs.preflight import ModelChoice


@pytest.mark.slow
def test_a_player_that_takes_the_fewer_points_fails_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ModelChoice(name="respondent/always-fewer")
    found = check(model, tmp_path)
    assert found.verdicts == {
        "pain": "not measurable: baseline",
        "pleasure": "not measurable: baseline",
    }
    assert len(read_cells(tmp_path / "cells.csv")) == found.num_cells == 288
    report = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))
    assert "certifies nothing" in report["what"]
    assert report["verdicts"]["pain"]["verdict"] == "not measurable: baseline"
    assert "certifies nothing" in "\n".join(found.lines())

    def asked_again(*_: object) -> None:
        raise AssertionError("a finished check was asked again")

    monkeypatch.setattr(check_module, "run", asked_again)
    assert check(model, tmp_path).verdicts == found.verdicts
