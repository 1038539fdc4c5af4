import json
from dataclasses import replace
from pathlib import Path

import pytest

from regard.common.results_command import main
from regard.common.rows import append_rows
from tests.common.test_rows import ROW


@pytest.fixture
def results(tmp_path: Path) -> Path:
    append_rows(tmp_path / "a.jsonl", [ROW, replace(ROW, metric="cloth.success")])
    return tmp_path


def test_json_holds_the_rows_that_match(results: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--metric", "cloth.*", "--json", "--results", str(results)]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["metric"] == "cloth.success"


def test_the_table_names_every_metric(
    results: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    assert main(["--results", str(results)]) == 0
    printed = capsys.readouterr().out
    assert "serving.tokens_per_second" in printed
    assert "cloth.success" in printed


def test_no_match_is_told_and_exits_1(results: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--metric", "nothing", "--results", str(results)]) == 1
    assert "'nothing'" in capsys.readouterr().out
    assert main(["--metric", "nothing", "--json", "--results", str(results)]) == 1
    assert json.loads(capsys.readouterr().out) == []


def test_a_narrow_terminal_still_shows_whole_metrics(
    results: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    assert main(["--results", str(results)]) == 0
    printed = capsys.readouterr().out
    assert "serving.tokens_per_second" in printed
    assert "device" not in printed
