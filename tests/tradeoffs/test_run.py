"""A run asks each cell as often as planned, and nothing twice."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regard.tradeoffs import run as run_module
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.plan import planned_cells
from regard.tradeoffs.preflight import ModelChoice
from regard.tradeoffs.read_log import read_run
from regard.tradeoffs.run import RunOptions, missing, run
from tests.tradeoffs.inspect_runs import output, tiny_plan

PLAN = tiny_plan(runs=2)
MOCK = ModelChoice(name="mockllm/model")


class _Endpoint:
    """Answers so many calls and then fails; counts what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, lasts: int) -> None:
        from inspect_ai.model import get_model

        self.asked: Counter[str] = Counter()
        self.lasts = lasts

        def answer(messages: Any, *_: Any) -> Any:
            if self.lasts == 0:
                raise ConnectionError("the line is dead")
            self.lasts -= 1
            self.asked[messages[-1].text] += 1
            return output("K")

        monkeypatch.setattr(
            run_module,
            "open_model",
            lambda choice: get_model("mockllm/model", custom_outputs=answer),
        )


def test_a_run_that_stopped_goes_on_and_asks_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = RunOptions(log_dir=tmp_path, connections=1)
    endpoint = _Endpoint(monkeypatch, lasts=21)
    with pytest.raises(TradeoffsError, match="the same command goes on from there"):
        run(PLAN, MOCK, missing(PLAN, MOCK.name, tmp_path), options)
    left = missing(PLAN, MOCK.name, tmp_path)
    assert sum(times for _, times in left) == 2 * 16 - 21
    endpoint.lasts = 100
    run(PLAN, MOCK, left, options)
    assert set(endpoint.asked.values()) == {2}
    assert len(endpoint.asked) == 16
    assert missing(PLAN, MOCK.name, tmp_path) == []
    cells = read_run(tmp_path, plan=PLAN.digest()).cells
    assert (cells["n"] == 2).all()


def test_a_log_of_another_plan_or_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _Endpoint(monkeypatch, lasts=1)
    cells = [(planned_cells(PLAN)[0], 1)]
    run(PLAN, MOCK, cells, RunOptions(log_dir=tmp_path, connections=1))
    other = replace(PLAN, runs=3)
    with pytest.raises(TradeoffsError, match="is a log of another plan"):
        missing(other, MOCK.name, tmp_path)
    with pytest.raises(TradeoffsError, match="is a log of model 'mockllm/model'"):
        missing(PLAN, "openai/other", tmp_path)
    with pytest.raises(TradeoffsError, match="is of another plan"):
        read_run(tmp_path, plan=other.digest())


def test_a_folder_without_logs_misses_everything(tmp_path: Path) -> None:
    left = missing(PLAN, MOCK.name, tmp_path / "none")
    assert left == [(cell, 2) for cell in planned_cells(PLAN)]
