import json
import sys
from pathlib import Path

import pytest

from regard.cli import main
from regard.common.statistics import Interval
from regard.tradeoffs import fit_command
from regard.tradeoffs.analysis.hierarchical import Pooled
from regard.tradeoffs.cells import write_cells
from tests.tradeoffs.tables import played

POOLED = Pooled(
    threshold=Interval(4.0, 3.5, 4.5),
    threshold_sd=Interval(0.5, 0.3, 0.9),
    slope=Interval(1.5, 1.2, 1.8),
    slope_sd=Interval(0.1, 0.0, 0.3),
    price=None,
    price_above_zero=None,
    num_wordings=12,
    num_draws=4000,
    divergences=0,
    r_hat=1.2,
    ess=900.0,
)
COLUMNS = [
    "state",
    "scale",
    "intensity",
    "gap",
    "order",
    "labels",
    "wording",
    "context",
    "n",
    "n_max",
    "n_refused",
    "n_unparsed",
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cells") / "cells.csv"
    write_cells(played(answers=5, slope=1.5, threshold=3.0, price=0.7), path)
    return path


@pytest.fixture(scope="module")
def bare_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The columns that the command documents, without the rows of the gates."""
    path = tmp_path_factory.mktemp("cells") / "bare.csv"
    frame = played(slope=1.5, threshold=3.0, price=0.7)
    frame = frame[~frame.state.isin(["none", "dominated"])]
    frame[COLUMNS].to_csv(path, index=False)
    return path


def test_a_table_without_gates_gets_t1_to_t5_and_no_verdict(
    bare_table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tradeoffs", "fit", str(bare_table), "--json"]) == 0
    out = capsys.readouterr().out
    assert "trade-off" not in out
    found = json.loads(out)
    assert found["gates"] == "gates not assessed"
    assert all(each["passed"] for each in found["criteria"])
    assert main(["tradeoffs", "fit", str(bare_table)]) == 0
    assert "trade-off" not in capsys.readouterr().out


def test_a_table_with_the_gates_rows_gets_a_verdict(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tradeoffs", "fit", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "trade-off"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.csv"], "no such file"),
        (["{table}", "--state", "joy"], "no cells of state 'joy'"),
        (["{table}", "--scale", "verbal"], "scale 'verbal'"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line(
    arguments: list[str], message: str, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [each.format(table=table) for each in arguments]
    assert main(["tradeoffs", "fit", *filled]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


def test_the_hierarchical_fit_says_how_to_get_pymc_where_it_is_missing(
    table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymc", None)
    assert main(["tradeoffs", "fit", str(table), "--hierarchical"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert "tradeoffs-bayes" in captured.err
    assert captured.out == ""


def test_the_hierarchical_fit_stands_beside_the_criteria(
    table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_command, "fit_pooled", lambda *_, **__: POOLED)
    assert main(["tradeoffs", "fit", str(table), "--hierarchical", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "trade-off"
    assert found["hierarchical"]["threshold"]["value"] == 4.0
    assert found["hierarchical"]["converged"] is False
    assert main(["tradeoffs", "fit", str(table), "--hierarchical"]) == 0
    assert "NOT CONVERGED" in " ".join(capsys.readouterr().out.split())
