"""`regard world bench`."""

import json

import pytest

from regard.world.execution import bench
from regard.world.execution.command import main

ROW = {"family": "fetch", "seed": 4, "held_out": False, "is_collateral": False}


@pytest.fixture
def configs(monkeypatch, menagerie_folder) -> list:
    seen: list = []

    def run(config, **_: object) -> list[dict]:
        seen.append(config)
        return [{**ROW, "index": i, "is_success": i > 0} for i in range(config.trials)]

    monkeypatch.setattr(bench, "run_bench", run)
    return seen


def test_the_figures_are_one_json_object(configs, capsys) -> None:
    assert main(["--trials", "4", "--seed", "4", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["trials"], row["seed"], row["success_rate"]) == (4, 4, 0.75)
    assert {"low", "high", "collateral_rate"} <= set(row["families"]["fetch"])
    assert (configs[0].workers, configs[0].held_out) == (1, False)


def test_the_table_has_a_line_a_family_and_one_for_all(configs, capsys) -> None:
    assert main(["--trials", "4", "--held-out", "--workers", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["family", "fetch", "all"]
    assert "75.0%" in lines[2]
    assert (configs[0].workers, configs[0].held_out) == (3, True)


@pytest.mark.parametrize("bad", [["--trials", "0"], ["--workers", "none"]])
def test_bad_numbers_are_bad_usage(bad, capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main(bad)
    assert left.value.code == 2
