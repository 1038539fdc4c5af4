"""Logs become a table, and what is no log of ours is refused by name."""

import shutil
from pathlib import Path

import pytest
from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, ModelOutput

from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.plan import planned_cells
from regard.tradeoffs.read_log import log_paths, read_run
from regard.tradeoffs.task import build_task
from tests.tradeoffs.inspect_runs import evaluate, output, tiny_plan

PLAN = tiny_plan(reading="both", runs=2)


def _reply(prompt: str, config: GenerateConfig) -> ModelOutput:
    return output("K", tops=[("K", 0.6), ("R", 0.3)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    evaluate(build_task(PLAN, planned_cells(PLAN)[:4], epochs=2, commit="b" * 40), _reply, folder)
    return folder


def test_a_run_is_read_with_everything_that_its_logs_say(folder: Path) -> None:
    run = read_run(folder)
    assert len(run.cells) == 4
    assert (run.task, run.model, run.plan) == ("factorial", "mockllm/model", PLAN.digest())
    assert run.plan_design == PLAN.design_digest()
    assert run.commit == "b" * 40
    assert run.first_sample_at.startswith("20")
    assert (run.num_errors, run.num_truncated) == (0, 0)
    assert (run.plan_runs, run.incomplete) == (2, "")
    assert sorted(run.cells["wording"].unique()) == ["offer", "plain"]


def test_every_commit_that_asked_is_named_once(tmp_path: Path) -> None:
    for commit in ("b" * 40, "unknown", "b" * 40):
        evaluate(
            build_task(PLAN, planned_cells(PLAN)[:1], epochs=1, commit=commit), _reply, tmp_path
        )
    assert sorted(read_run(tmp_path).commit.split(", ")) == ["b" * 40, "unknown"]


def test_a_run_that_stopped_early_says_how_many_answers_it_has(tmp_path: Path) -> None:
    plan = tiny_plan(reading="text", runs=3)
    cells = planned_cells(plan)[:4]
    evaluate(build_task(plan, cells, epochs=1), _reply, tmp_path)
    assert read_run(tmp_path).incomplete == "1 of 3 planned answers a cell"
    evaluate(build_task(plan, cells[:1], epochs=2), _reply, tmp_path)
    assert read_run(tmp_path).incomplete == "1 to 3 of 3 planned answers a cell"


def test_log_probabilities_alone_are_complete_without_answers(tmp_path: Path) -> None:
    plan = tiny_plan(reading="logprob", runs=3)
    evaluate(build_task(plan, planned_cells(plan)[:2], epochs=1), _reply, tmp_path)
    assert read_run(tmp_path).incomplete == ""


def test_a_label_that_is_never_named_has_no_mass(folder: Path) -> None:
    cells = read_run(folder).cells
    offer = cells[cells["labels"] == "T/M"]
    assert (offer["label_mass"] == 0).all()
    assert (offer["p_max"] == 0.5).all()
    assert cells[cells["labels"] == "K/R"]["label_mass"].tolist() == pytest.approx([0.9, 0.9])


def test_two_logs_of_one_plan_add_up(folder: Path, tmp_path: Path) -> None:
    source = log_paths(folder)[0]
    shutil.copy(source, tmp_path / source.name)
    shutil.copy(source, tmp_path / f"more_{source.name}")
    assert (read_run(tmp_path).cells["n"] == 4).all()


def test_no_log_and_a_broken_log_are_said(tmp_path: Path) -> None:
    with pytest.raises(TradeoffsError, match="there is no log"):
        read_run(tmp_path)
    (tmp_path / "a.eval").write_bytes(b"no zip")
    with pytest.raises(TradeoffsError, match="cannot be read as an Inspect log"):
        read_run(tmp_path)


def test_a_log_of_another_task_is_refused(tmp_path: Path) -> None:
    evaluate(Task(name="sums", dataset=[Sample(input="1 + 1?", id="a")]), _reply, tmp_path)
    with pytest.raises(TradeoffsError, match="is a log of 'sums', not of the points game"):
        read_run(tmp_path)
