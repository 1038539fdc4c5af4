import json

import pytest

from regard import cli


def found(capsys: pytest.CaptureFixture, *arguments: str) -> list[dict]:
    assert cli.main(["cost", "sparsity", "--accelerators", "h800", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_reports_figures_come_out(capsys: pytest.CaptureFixture) -> None:
    (nominal,) = found(capsys, "--models", "step3")
    (measured,) = found(capsys, "--models", "step3", "--nic-gigabytes-per-second", "40")
    assert f"{nominal['minimum_sparsity']:.3f}" == "0.058"
    assert f"{measured['minimum_sparsity']:.3f}" == "0.073"
    assert nominal["sparsity"] == pytest.approx(4 / 49)
    assert nominal["network_feeds_it"]
    assert round(nominal["moe_batch"]) == 3620


def test_deepseek_is_too_sparse_for_it(capsys: pytest.CaptureFixture) -> None:
    (deepseek,) = found(capsys, "--models", "deepseek-v3")
    assert not deepseek["network_feeds_it"]


def test_dense_models_are_left_out_and_alone_refused(capsys: pytest.CaptureFixture) -> None:
    assert len(found(capsys, "--models", "step3", "qwen3-32b")) == 1
    assert cli.main(["cost", "sparsity", "--models", "qwen3-32b"]) == 1
    assert "none of these models has experts" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--tpot-ms", "--stages", "--nic-gigabytes-per-second"])
def test_nothing_may_be_zero(option: str, capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["cost", "sparsity", option, "0"]) == 1
    assert option in capsys.readouterr().err
