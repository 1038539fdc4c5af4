"""The checkout this code runs from: its root and its commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

from regard.common.errors import UserError

RESULTS_FOLDER = "results"


class RepositoryError(UserError):
    """The checkout is missing, or not in the state that is needed."""


def repository_root() -> Path:
    """The root of the checkout.

    Raises:
        RepositoryError: The package runs from somewhere else, such as an installed wheel.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "pyproject.toml").is_file():
        raise RepositoryError(
            "this copy of regard is not a checkout of its repository: "
            "run it from one (`make setup`), or name the results folder"
        )
    return root


def current_commit(root: Path | None = None) -> str:
    """The checked-out commit, provided that it is what would run.

    Changes under `results/` are allowed: writing rows makes them.

    Raises:
        RepositoryError: Files are changed or untracked, or git does not answer.
    """
    folder = repository_root() if root is None else root
    changes = [
        line
        for line in _git(folder, "status", "--porcelain", "--untracked-files=all").splitlines()
        if not line[3:].strip('"').startswith(f"{RESULTS_FOLDER}/")
    ]
    if changes:
        shown = ", ".join(line[3:] for line in changes[:3])
        raise RepositoryError(
            f"{len(changes)} uncommitted changes ({shown}{', ...' if len(changes) > 3 else ''}): "
            "a result row must name the commit it measured; commit first, or name it with --commit"
        )
    return _git(folder, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise RepositoryError("git is not installed: name the commit with --commit") from error
    except subprocess.CalledProcessError as error:
        raise RepositoryError(
            f"git {arguments[0]} failed ({error.stderr.strip()}): name the commit with --commit"
        ) from error
    return done.stdout
