"""`compare` and the link to the transcripts, on logs that Inspect wrote."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from regard.cli import main
from regard.tradeoffs.design import DesignConfig
from regard.tradeoffs.plan import new_plan, planned_cells
from regard.tradeoffs.preflight import ModelChoice
from regard.tradeoffs.run import RunOptions, run
from tests.tradeoffs.report.markup import read_markup

DESIGN = DesignConfig(
    wordings=("plain", "offer", "quiz", "list", "turn"),
    contexts=("bare",),
    gaps=(7,),
    intensities=(0, 4, 10),
    states=("none", "pain", "nonsense"),
    side_blocks=(),
)
KINDS = ("word-averse", "always-max", "rambler")
"""Of known truth: the first two are measurable."""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder a respondent, below one for the plan."""
    folder = tmp_path_factory.mktemp("runs") / "a plan"
    plan = replace(new_plan("factorial", reading="both", runs=1), design=DESIGN)
    asked = [(cell, plan.epochs) for cell in planned_cells(plan)]
    for kind in KINDS:
        options = RunOptions(log_dir=folder / kind, connections=10, commit="c" * 40)
        run(plan, ModelChoice(name=f"respondent/{kind}"), asked, options)
    return folder


@pytest.mark.slow
def test_logs_of_three_respondents_become_one_page(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    out = tmp_path / "pages" / "comparison.html"
    paths = [str(logs / kind) for kind in KINDS]
    assert main(["tradeoffs", "compare", *paths, "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    reader = read_markup(out.read_text(encoding="utf-8"))
    for part in (
        "What would 3 models trade?",
        "respondent/word-averse reacts to stated penalties log-probabilities",
        # In text, ten answers cannot reach the baseline's bound.
        "respondent/always-max never log-probabilities",
        "respondent/rambler not measurable: reading",
        "1 plan, 1 log",
        "110 as text, 110 as log-probabilities",
    ):
        assert part in reader.words
    assert all(each.startswith("#") for each in reader.fetched)


@pytest.mark.slow
def test_the_report_links_to_the_bundle_that_inspect_makes_beside_it(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(logs / KINDS[0])
    bundle = tmp_path / "some where" / "transcripts"
    page = tmp_path / "some where" / "report.html"
    assert main(["tradeoffs", "report", log, "--out", str(page)]) == 0
    assert read_markup(page.read_text(encoding="utf-8")).links == []
    inspect = Path(sys.executable).with_name("inspect")
    command = [inspect, "view", "bundle", "--log-dir", log, "--output-dir", str(bundle)]
    subprocess.run(command, check=True, capture_output=True)
    assert main(["tradeoffs", "report", log, "--out", str(page)]) == 0
    assert _linked(page) == (bundle / "index.html").resolve()
    elsewhere = tmp_path / "report.html"
    arguments = ["tradeoffs", "report", log, "--out", str(elsewhere), "--bundle"]
    assert main([*arguments, str(bundle)]) == 0
    assert _linked(elsewhere) == (bundle / "index.html").resolve()
    capsys.readouterr()
    assert main([*arguments, str(tmp_path)]) == 1
    assert "is no bundle of transcripts" in capsys.readouterr().err


def _linked(page: Path) -> Path:
    """The file that the page's one link leads to."""
    (address,) = read_markup(page.read_text(encoding="utf-8")).links
    return (page.parent / unquote(address)).resolve()
