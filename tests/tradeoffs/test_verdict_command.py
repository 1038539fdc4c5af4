import json
from pathlib import Path

import pytest

from regard.cli import main
from regard.tradeoffs.cells import write_cells
from tests.tradeoffs.tables import played


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cells") / "cells.csv"
    write_cells(played(answers=5, slope=1.5, threshold=3.0, price=0.7), path)
    return path


def test_both_targets_are_judged_and_corrected_for_being_two(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tradeoffs", "verdict", str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["verdicts"]
    assert found["pain"]["verdict"] == "trade-off"
    assert found["pleasure"]["verdict"] == "never"
    plain = found["pain"]["readings"][0]["slope_p_value"]
    assert found["pain"]["slope_p_value_holm"] == pytest.approx(2 * plain)


def test_a_folder_without_logs_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tradeoffs", "verdict", str(tmp_path)]) == 1
    assert "no log" in capsys.readouterr().err


def test_a_scale_without_a_target_is_refused(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tradeoffs", "verdict", str(table), "--scale", "verbal"]) == 1
    assert "scale 'verbal'" in capsys.readouterr().err
