import json

import pytest

from regard import cli
from tests.serving.cost.paper_cells import ACCELERATORS, DOLLAR_CELLS


def printed(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    assert cli.main(["cost", "table", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("model", DOLLAR_CELLS)
def test_json_holds_the_papers_dollars(model: str, capsys: pytest.CaptureFixture) -> None:
    for context, column in (("8k", 0), ("32k", 1)):
        (found,) = json.loads(printed(capsys, "--models", model, "--context", context, "--json"))
        attention = tuple(f"{found['attention_usd'][name]:.3f}" for name in ACCELERATORS)
        ffn = tuple(f"{found['ffn_usd'][name]:.3f}" for name in ACCELERATORS)
        assert attention == DOLLAR_CELLS[model][column]
        assert ffn == DOLLAR_CELLS[model][2]
        assert f"{found['afd_usd']:.3f}" == DOLLAR_CELLS[model][3][column]


def test_json_is_one_object_a_model_with_the_promised_keys(capsys: pytest.CaptureFixture) -> None:
    found = json.loads(printed(capsys, "--context", "8192", "--json"))
    assert len(found) == 9
    promised = (
        "model context kv_bytes attention_flops linear_flops ffn_flops intensity "
        "attention_usd ffn_usd colocated_usd afd_usd"
    )
    assert all(set(promised.split()) <= set(each) for each in found)
    assert {each["context"] for each in found} == {8192}


def test_a_person_reads_every_model_and_the_prices(capsys: pytest.CaptureFixture) -> None:
    page = printed(capsys, "--models", "step3", "qwen3-32b", "--price", "h800=3.5")
    assert "step3" in page
    assert "qwen3-32b" in page
    assert "h800 3.50" in page


def test_csv_has_a_heading_and_a_line_a_model(capsys: pytest.CaptureFixture) -> None:
    counts, dollars = printed(capsys, "--models", "step3", "--csv").split("\n\n")
    assert counts.splitlines()[0].startswith("model,attention,parameters")
    assert len(dollars.splitlines()) == 2


def test_explain_fills_the_numbers_in(capsys: pytest.CaptureFixture) -> None:
    page = printed(capsys, "--models", "step3", "--accelerators", "h800", "--explain")
    assert "1 x 512 x 61 x 8192 x 1 = 2.559e+08" in page


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--context", "0"), "context"),
        (("--price", "h800=-1"), "-1"),
        (("--price", "h800"), "NAME=USD"),
        (("--models", "stepp3"), "step3"),
        (("--drafted", "2"), "--acceptance"),
        (("--drafted", "2", "--acceptance", "1.5"), "acceptance"),
        (("--accelerators", "h8000"), "h800"),
    ],
)
def test_absurd_values_are_refused_by_name(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture
) -> None:
    assert cli.main(["cost", "table", *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
