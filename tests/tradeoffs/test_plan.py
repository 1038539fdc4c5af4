"""A plan is what was written, and is refused once anything it rests on has changed."""

import json
from pathlib import Path

import pytest

from regard.tradeoffs import plan as plan_module
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.plan import new_plan, planned_cells, read_plan


def _written(folder: Path, **changes: object) -> Path:
    path = folder / "plan.json"
    new_plan("factorial", size="short", runs=2, commit="a" * 40).write(path)
    if changes:
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**content, **changes}), encoding="utf-8")
    return path


def test_a_plan_survives_writing_with_its_digest(tmp_path: Path) -> None:
    plan = new_plan("factorial", reading="both", runs=3)
    plan.write(tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan
    assert read_plan(tmp_path / "plan.json").digest() == plan.digest()


def test_the_design_digest_leaves_time_and_runs_out_and_the_plan_digest_does_not() -> None:
    first = new_plan("factorial", runs=3, commit="a")
    second = new_plan("factorial", runs=4, commit="b")
    assert first.design_digest() == second.design_digest()
    assert first.digest() != second.digest()
    assert first.design_digest() != new_plan("factorial", size="short", runs=3).design_digest()


def test_a_plan_is_never_overwritten(tmp_path: Path) -> None:
    path = _written(tmp_path)
    with pytest.raises(TradeoffsError, match="is not overwritten"):
        new_plan("replica", runs=1).write(path)


def test_a_plan_changed_by_hand_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TradeoffsError, match="was changed after it was written"):
        read_plan(_written(tmp_path, runs=50))


@pytest.mark.parametrize(("name", "what"), [("prompts_hash", "texts"), ("Criteria", "criteria")])
def test_a_plan_of_other_texts_or_criteria_is_refused(
    name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(tmp_path)

    class _Other:
        def digest(self) -> str:
            return "0" * 64

    monkeypatch.setattr(plan_module, name, _Other if name == "Criteria" else lambda: "0" * 64)
    with pytest.raises(TradeoffsError, match=f"the {what} have changed since"):
        read_plan(path)


def test_a_missing_file_and_one_that_is_no_plan_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(TradeoffsError, match="there is no such plan"):
        read_plan(tmp_path / "none.json")
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    with pytest.raises(TradeoffsError, match="is no plan"):
        read_plan(tmp_path / "other.json")


def test_log_probabilities_are_asked_once_and_text_as_often_as_planned() -> None:
    assert new_plan("factorial", reading="logprob", runs=5).epochs == 1
    assert new_plan("factorial", reading="both", runs=5).epochs == 5


def test_the_second_cap_is_the_larger_one() -> None:
    with pytest.raises(TradeoffsError, match="caps: 64, then 32 tokens"):
        new_plan("factorial", runs=1, retry_tokens=32)


def test_the_replica_has_its_own_cells() -> None:
    assert len(planned_cells(new_plan("replica", runs=1))) == 37
