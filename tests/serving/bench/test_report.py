import io
import json

import pytest
from rich.console import Console

from regard.serving.bench.client import TimedAnswer
from regard.serving.bench.offline_result import offline_result
from regard.serving.bench.report import as_data, print_json, print_offline, print_summary
from regard.serving.bench.summary import summarise

ANSWER = TimedAnswer(prompt_tokens=10, output_tokens=3, ttft_seconds=0.125, e2e_seconds=0.25)


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=120)


def line_of(console, beginning):
    lines = console.file.getvalue().splitlines()
    return next(line for line in lines if line.strip("│ ").startswith(beginning))


def test_latencies_are_shown_in_milliseconds(console):
    print_summary(summarise([ANSWER], 2.0), "title", console)
    assert line_of(console, "time to first token").count("125.00") == 4
    assert line_of(console, "time per output token").count("62.50") == 4
    assert "1.5" in line_of(console, "output tokens/s")
    assert line_of(console, "title") == "title"


def test_errors_are_shown_as_they_are_and_missing_latencies_as_dashes(console):
    print_summary(summarise([TimedAnswer(error="no [bold]room")] * 2, 2.0), "title", console)
    assert line_of(console, "2 failed") == "2 failed: no [bold]room"
    assert line_of(console, "end to end").count(" - ") == 4


def test_offline_speeds_have_a_line_each(console):
    results = [offline_result(1, 8, 4, (2.0,)), offline_result(16, 8, 4, (1.0, 4.0, 2.0))]
    print_offline(results, "title", console)
    assert line_of(console, "1 ").split("│")[2:-1] == ["             2.0 ", "    2.0 "] + [
        "     2.0 ",
        "                       6.0 ",
        "    1 ",
    ]
    assert "1.0" in line_of(console, "16 ")


def test_json_has_no_infinity(capsys):
    print_json({"request_rate": float("inf"), "seed": 0}, as_data(summarise([ANSWER], 2.0)))
    data = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert data["settings"] == {"request_rate": "inf", "seed": 0}
    assert data["results"]["ttft_seconds"]["p90"] == 0.125
