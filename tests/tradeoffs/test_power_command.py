import json

import pytest

from regard.cli import main

FAST = ["--wordings", "9", "--runs", "8", "--draws", "2"]
EFFECT = ["--effect.slope", "1.5", "--effect.threshold", "3", "--effect.price", "0.8"]


def test_json_holds_every_size_and_the_one_that_is_enough(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tradeoffs", "power", *FAST, *EFFECT, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["effect"]["price"] == 0.8
    assert [row["wordings"] for row in found["rows"]] == [9]
    assert found["enough"] == found["rows"][0]


def test_people_are_told_when_no_size_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tradeoffs", "power", *FAST, "--effect.price", "0"]) == 0
    assert "no size reaches 80%" in capsys.readouterr().out


def test_a_number_out_of_range_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tradeoffs", "power", "--wordings", "2"]) == 1
    assert capsys.readouterr().err.startswith("error: wordings [2]")
