"""The data files of the package, and a user's files of the same form."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from regard.serving.cost.errors import CostError

PACKAGE = "regard.serving.cost"


def read_shipped(name: str) -> dict[str, Any]:
    """A data file that ships with the package, such as `paper.yaml`."""
    text = resources.files(PACKAGE).joinpath("data", name).read_text(encoding="utf-8")
    return _mapping(yaml.safe_load(text), name)


def shipped_models() -> tuple[str, ...]:
    """Names of the model files that ship with the package."""
    files = resources.files(PACKAGE).joinpath("data", "models").iterdir()
    return tuple(sorted(each.name.removesuffix(".yaml") for each in files))


def read_user_file(path: Path) -> Mapping[str, Any]:
    """A YAML file of a user's own.

    Raises:
        CostError: It cannot be read, or holds no mapping.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).replace("\n", " ")
        raise CostError(f"{path}: not a readable YAML file ({reason})") from error
    return _mapping(data, str(path))


def _mapping(data: Any, name: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise CostError(f"{name}: holds no mapping of names to values")
    return data
