import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from regard.common import rows as rows_module
from regard.common.rows import (
    Measurement,
    ResultRow,
    RowError,
    append_rows,
    package_versions,
    parse_row,
    read_file,
    read_rows,
    write_rows,
)

ROW = ResultRow(
    metric="serving.tokens_per_second",
    value=12.5,
    unit="1/s",
    n=5,
    low=12.0,
    high=13.0,
    command="regard bench offline",
    commit="a" * 40,
    device="a processor, 2 cores",
    versions={"python": "3.11.7"},
    seed=0,
    date="2026-01-01T00:00:00+00:00",
    notes="",
)


def test_rows_read_back_equal_what_was_written(tmp_path: Path) -> None:
    second = replace(ROW, value=1.0, low=None, high=None, notes='a "quoted" note — ü')
    append_rows(tmp_path / "a.jsonl", [ROW])
    append_rows(tmp_path / "a.jsonl", [second])
    append_rows(tmp_path / "b.jsonl", [ROW])
    assert read_file(tmp_path / "a.jsonl") == [ROW, second]
    assert read_rows(tmp_path) == [ROW, second, ROW]


@pytest.mark.parametrize(
    "change",
    [
        {"n": 0},
        {"metric": " "},
        {"commit": ""},
        {"value": float("nan")},
        {"low": None},
        {"low": 14.0},
        {"high": float("inf")},
    ],
    ids=lambda change: "-".join(change),
)
def test_an_impossible_row_is_refused(change: dict) -> None:
    with pytest.raises(RowError):
        replace(ROW, **change)


def test_unknown_and_missing_keys_are_named(tmp_path: Path) -> None:
    data = rows_module.asdict(ROW)
    with pytest.raises(RowError, match="colour"):
        parse_row(data | {"colour": "red"})
    del data["commit"]
    with pytest.raises(RowError, match="commit"):
        parse_row(data)


def test_a_damaged_line_is_named_with_its_file_and_number(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    append_rows(path, [ROW])
    path.write_text(path.read_text() + "{oops\n")
    with pytest.raises(RowError, match=r"a\.jsonl line 2"):
        read_file(path)


def test_write_rows_adds_what_the_machine_knows(tmp_path: Path) -> None:
    figure = Measurement(metric="a.b", value=1.0, unit="s", n=3, extra_versions={"cc": "12"})
    (row,) = write_rows("a", [figure], command="run it", seed=7, commit="c" * 40, results=tmp_path)
    assert read_file(tmp_path / "a.jsonl") == [row]
    assert (row.commit, row.seed, row.command) == ("c" * 40, 7, "run it")
    assert row.versions["cc"] == "12"
    assert row.device
    assert row.date.endswith("+00:00")
    assert json.loads((tmp_path / "a.jsonl").read_text())["versions"]["python"]


def test_a_dirty_tree_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "changed.py").write_text("1\n")
    monkeypatch.setattr(rows_module, "repository_root", lambda: tmp_path)
    monkeypatch.setattr("regard.common.repository.repository_root", lambda: tmp_path)
    figure = Measurement(metric="a.b", value=1.0, unit="s", n=3)
    with pytest.raises(Exception, match=r"changed\.py.*commit first"):
        write_rows("a", [figure], command="run it", seed=None)
    assert not (tmp_path / "results").exists()


def test_versions_leave_out_what_is_not_installed() -> None:
    assert set(package_versions(["numpy", "surely-not-installed"])) == {"python", "numpy"}
