import json

import pytest

from regard import cli


def test_balance_is_intensity_over_the_printed_roofline(capsys: pytest.CaptureFixture) -> None:
    arguments = ["cost", "roofline", "--models", "step3", "deepseek-v3", "--json"]
    assert cli.main(arguments) == 0
    step3, deepseek = json.loads(capsys.readouterr().out)
    # The report: 128 and 512 FLOP/B against 591, 74 and 156.
    assert step3["intensity"] == pytest.approx(128)
    assert step3["balance"]["h800"] == pytest.approx(128 / 591, rel=2e-3)
    assert step3["balance"]["a800"] == pytest.approx(128 / 156, rel=2e-3)
    assert deepseek["balance"]["h20"] == pytest.approx(512 / 74, rel=2e-3)


def test_the_chip_that_idles_least_is_named(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["cost", "roofline", "--models", "step3", "--csv"]) == 0
    assert capsys.readouterr().out.strip().splitlines()[-1].endswith("a800")
