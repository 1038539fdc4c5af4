import json

import pytest

from regard import cli


def printed(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    assert cli.main(["cost", "plan", *arguments]) == 0
    return capsys.readouterr().out


def test_the_papers_question_is_answered(capsys: pytest.CaptureFixture) -> None:
    page = printed(capsys, "--model", "step3", "--gpus", "32")
    assert "2A2F" in page
    assert "cache reads" in page
    assert "(predicted)" in page


def test_json_has_both_speeds_and_what_binds(capsys: pytest.CaptureFixture) -> None:
    best, *others = json.loads(printed(capsys, "--model", "step3", "--gpus", "32", "--json"))
    assert best["gpus"] == best["attention_gpus"] + best["ffn_gpus"] == 32
    assert best["measured"]["tpot_ms"] <= 50
    assert (
        best["measured"]["tokens_per_second_per_gpu"]
        < best["roofline"]["tokens_per_second_per_gpu"]
    )
    assert best["measured"]["binds"]
    assert others


def test_halves_may_run_on_different_chips(capsys: pytest.CaptureFixture) -> None:
    arguments = ("--accelerator", "h20", "--ffn-accelerator", "h800", "--json")
    found = json.loads(printed(capsys, "--model", "step3", *arguments))
    assert any(each["ffn_gpus"] for each in found)


def test_a_price_changes_the_dollars(capsys: pytest.CaptureFixture) -> None:
    dollars = [
        json.loads(printed(capsys, "--model", "step3", "--json", "--price", f"h100={usd}"))[0][
            "usd_per_million_tokens"
        ]
        for usd in (1, 2)
    ]
    assert dollars[1] == pytest.approx(2 * dollars[0])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--model", "step3", "--gpus", "12"), "whole number"),
        (("--model", "step3", "--tpot-ms", "0"), "--tpot-ms"),
        (("--model", "nothing"), "no model 'nothing'"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture
) -> None:
    assert cli.main(["cost", "plan", *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
