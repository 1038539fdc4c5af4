"""The two tasks are what the plan says, with and without one."""

from pathlib import Path

import pytest

from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.plan import new_plan
from regard.tradeoffs.task import factorial, replica


def test_the_replica_asks_37_prompts_50_times_at_temperature_1() -> None:
    task = replica()
    assert len(task.dataset) == 37
    assert task.epochs == 50
    assert task.config.temperature == 1.0
    assert task.config.logprobs is None


def test_log_probabilities_alone_are_asked_once_for_one_token() -> None:
    task = factorial(size="short", reading="logprob", runs=7)
    assert task.epochs == 1
    assert task.config.max_tokens == 1
    assert (task.config.logprobs, task.config.top_logprobs) == (True, 20)


def test_a_task_carries_the_plan_that_it_was_given(tmp_path: Path) -> None:
    plan = new_plan("factorial", size="short", reading="both", runs=3, commit="c" * 40)
    plan.write(tmp_path / "plan.json")
    task = factorial(plan=str(tmp_path / "plan.json"))
    metadata = task.metadata or {}
    assert metadata["plan"] == plan.digest()
    assert metadata["plan_commit"] == "c" * 40
    assert metadata["plan_written_at"] == plan.written_at
    assert metadata["commit"]
    assert task.epochs == 3


def test_an_unknown_reading_is_refused() -> None:
    with pytest.raises(TradeoffsError, match="reading: 'voice'; choose one of: text"):
        factorial(reading="voice")
