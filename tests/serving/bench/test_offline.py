import json

import pytest

from regard import cli
from regard.serving.bench.offline import OfflineOptions, measure
from regard.serving.llm import LLM
from tests.serving.tiny import tiny_engine

SMALL = ["--concurrency", "1", "3", "--input-len", "20", "--output-len", "6", "--repeats", "2"]


@pytest.fixture
def engine(monkeypatch):
    made = tiny_engine()
    monkeypatch.setattr("regard.serving.llm.Engine", lambda config: made)
    return made


def test_every_run_is_timed_and_does_exactly_its_work(engine):
    options = OfflineOptions(concurrency=(1, 3), input_len=20, output_len=6, repeats=2)
    results = measure(LLM("tiny"), options)
    assert [result.concurrency for result in results] == [1, 3]
    assert [len(result.run_seconds) for result in results] == [2, 2]
    assert (results[1].input_tokens, results[1].output_tokens) == (60, 18)
    stats = engine.stats()
    # Two timed runs of 6 tokens and one before of 4, for each of 1 + 3 prompts.
    assert stats.generation_tokens == 4 * (2 * 6 + 4)
    assert stats.prompt_tokens == 4 * 3 * 20
    assert stats.prefix_hit_tokens == 0


def test_the_table_has_a_line_for_each_concurrency(engine, capsys):
    assert cli.main(["bench", "offline", *SMALL]) == 0
    shown = capsys.readouterr().out
    assert "tiny, fast mode: 20 tokens in, 6 out" in shown
    assert "│ 1 " in shown
    assert "│ 3 " in shown


def test_json_has_settings_and_results(engine, capsys):
    assert cli.main(["bench", "offline", "--json", *SMALL]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["settings"]["input_len"] == 20
    assert [result["concurrency"] for result in data["results"]] == [1, 3]


def test_lengths_that_do_not_fit_are_one_line(engine, capsys):
    assert cli.main(["bench", "offline", "--input-len", "500", "--output-len", "64"]) == 1
    assert "the context holds 512" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--concurrency", "0"], "--concurrency is 0; it must be from 1 to --max-num-seqs"),
        (["--concurrency", "65"], "--concurrency is 65; it must be from 1 to --max-num-seqs"),
        (["--input-len", "0"], "--input-len is 0; it must be at least 1"),
        (["--output-len", "-1"], "--output-len is -1; it must be at least 1"),
        (["--repeats", "0"], "--repeats is 0; it must be at least 1"),
    ],
)
def test_a_wrong_option_is_one_line(arguments, problem, capsys):
    assert cli.main(["bench", "offline", *arguments]) == 1
    assert capsys.readouterr().err.startswith(f"error: {problem}")


def test_help_has_an_example(capsys):
    assert cli.main(["bench", "offline", "--help"]) == 0
    assert "Example: regard bench offline" in capsys.readouterr().out
