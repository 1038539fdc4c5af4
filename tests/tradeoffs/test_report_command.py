from pathlib import Path

import pytest

from regard.cli import main
from regard.tradeoffs import report_command
from regard.tradeoffs.design import DesignConfig
from tests.tradeoffs.report.runs import REGISTERED, run_of
from tests.tradeoffs.tables import MAIN, played

LEAN = DesignConfig(
    wordings=MAIN.wordings[:5],
    contexts=MAIN.contexts[:1],
    states=("none", "pain"),
    side_blocks=(),
)


def test_the_page_goes_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Path] = []

    def registration(run: object, *, folder: Path) -> object:
        asked.append(folder)
        return REGISTERED

    monkeypatch.setattr(
        report_command, "read_run", lambda path: run_of(played(design=LEAN, answers=2))
    )
    monkeypatch.setattr(report_command, "registration_of", registration)
    log = tmp_path / "plan" / "model"
    log.mkdir(parents=True)
    out = tmp_path / "new" / "page.html"
    assert main(["tradeoffs", "report", str(log), "--out", str(out)]) == 0
    assert out.read_text().startswith("<!doctype html>")
    assert capsys.readouterr().out.strip() == str(out)
    assert asked == [tmp_path.resolve()]


def test_a_missing_log_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tradeoffs", "report", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
