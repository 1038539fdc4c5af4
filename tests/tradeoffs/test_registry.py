"""Inspect finds the tasks and the players by the entry point."""

import tomllib
from importlib import import_module
from pathlib import Path


def test_the_entry_point_names_the_registry_and_it_holds_tasks_and_provider(
    repository: Path,
) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module = import_module(project["entry-points"]["inspect_ai"]["regard"])
    assert set(module.__all__) == {"RespondentAPI", "factorial", "replica"}


def test_inspect_knows_the_provider_by_name() -> None:
    from inspect_ai.model import get_model

    import_module("regard.tradeoffs.registry")
    assert get_model("respondent/always-max", memoize=False).name == "always-max"
