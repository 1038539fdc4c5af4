import subprocess
from pathlib import Path

import pytest

from regard.common.repository import RepositoryError, current_commit, repository_root

IDENTITY = ["-c", "user.name=A", "-c", "user.email=a@example.org"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "a.py").write_text("1\n")
    subprocess.run(["git", "add", "a.py"], cwd=tmp_path, check=True)
    subprocess.run(["git", *IDENTITY, "commit", "-qm", "A"], cwd=tmp_path, check=True)
    return tmp_path


def test_the_root_holds_pyproject() -> None:
    assert (repository_root() / "pyproject.toml").is_file()


def test_a_clean_tree_gives_its_commit(checkout: Path) -> None:
    assert len(current_commit(checkout)) == 40


def test_new_rows_do_not_make_a_tree_dirty(checkout: Path) -> None:
    (checkout / "results").mkdir()
    (checkout / "results" / "a.jsonl").write_text("{}\n")
    assert len(current_commit(checkout)) == 40


@pytest.mark.parametrize("name", ["a.py", "new file.py", "results.py"])
def test_a_changed_or_untracked_file_is_refused_by_name(checkout: Path, name: str) -> None:
    (checkout / name).write_text("2\n")
    with pytest.raises(RepositoryError, match=name):
        current_commit(checkout)


def test_a_folder_without_git_asks_for_the_commit(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="--commit"):
        current_commit(tmp_path)
