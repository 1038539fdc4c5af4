from pathlib import Path

import pytest

from regard.tradeoffs.report import registration
from regard.tradeoffs.report.registration import default_folder, registration_of
from tests.tradeoffs.report.runs import run_of
from tests.tradeoffs.tables import played

BEFORE, BETWEEN, AFTER = (f"2026-01-0{day}T12:00:00+01:00" for day in (1, 2, 9))


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The time that git gives, which a test may change."""
    times = [BEFORE]
    monkeypatch.setattr(registration, "_commit_time", lambda commit: times[-1])
    return times


def test_a_plan_committed_before_the_first_answer_is_no_exploration(
    committed: list[str], tmp_path: Path
) -> None:
    found = registration_of(run_of(played()), folder=tmp_path)
    assert not found.exploratory
    assert found.reasons == ()
    assert found.committed_at == BEFORE
    assert (found.num_plans, found.num_logs) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "time", "reason"),
    [
        ({}, AFTER, "no earlier than the first answer"),
        ({"plan_commit": "unknown"}, "", "names no commit"),
        ({}, "", "not in this checkout's history"),
        ({"first_sample_at": ""}, BEFORE, "do not say when"),
        ({"plan_written_at": AFTER}, BEFORE, "written after the first answer"),
        ({"criteria": "other"}, BEFORE, "criteria are not those"),
        ({"first_sample_at": "soon"}, BEFORE, "no earlier"),
    ],
)
def test_each_lack_makes_a_run_exploratory(
    changes: dict[str, object], time: str, reason: str, committed: list[str], tmp_path: Path
) -> None:
    committed.append(time)
    found = registration_of(run_of(played(), **changes), folder=tmp_path)
    assert found.exploratory
    assert reason in "; ".join(found.reasons)


def test_git_knows_its_own_commits_and_no_others() -> None:
    assert registration._commit_time("0" * 40) == ""
    assert registration._commit_time("unknown") == ""


def test_files_that_are_no_logs_of_the_game_are_not_counted(
    committed: list[str], tmp_path: Path
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "other.eval").write_bytes(b"no log")
    found = registration_of(run_of(played()), folder=tmp_path)
    assert (found.num_plans, found.num_logs) == (1, 1)


def test_logs_are_counted_two_folders_up_and_no_further_than_the_root(tmp_path: Path) -> None:
    (tmp_path / "plan" / "model").mkdir(parents=True)
    log = tmp_path / "plan" / "model" / "one.eval"
    log.write_bytes(b"")
    assert default_folder(log) == default_folder(log.parent) == tmp_path.resolve()
    assert default_folder(Path("/")) == Path("/")
