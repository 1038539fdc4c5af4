"""Scenes written by hand: a TOML file with one `[[object]]` table an object."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from regard.common.errors import UserError
from regard.world.layout import Layout, Placement
from regard.world.objects.contract import Instance, ObjectSpec

KEYS = MappingProxyType(
    {"kind": str, "x_m": float, "y_m": float, "yaw_degrees": float, "colour": str, "name": str}
)
REQUIRED = ("kind", "x_m", "y_m")
HEADER = "[[object]]"


class SceneFileError(UserError):
    """A scene file that cannot be used; says which, and the line."""


def read_layout(path: Path, kinds: Mapping[str, ObjectSpec]) -> Layout:
    """The layout that a file describes.

    Args:
        path: A TOML file; each `[[object]]` has `kind`, `x_m`, `y_m` and, where wanted,
            `yaw_degrees`, `colour` and `name`.
        kinds: The kinds of objects there are.

    Raises:
        SceneFileError: The file is missing or malformed; names it and the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SceneFileError(f"{path}: cannot be read: {error}") from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SceneFileError(f"{path}: {error}") from error
    if unknown := [key for key in content if key != "object"]:
        line = _line_of(text, unknown[0])
        raise SceneFileError(f"{path}: line {line}: unknown key {unknown[0]!r}; only {HEADER}")
    if not isinstance(tables := content.get("object", []), list):
        raise SceneFileError(f"{path}: line 1: objects are written as {HEADER}")
    placements: dict[str, Placement] = {}
    for index, table in enumerate(tables):
        try:
            placement = _placement(table, kinds, taken=placements)
        except ValueError as error:
            line = _header_lines(text)[index]
            raise SceneFileError(f"{path}: line {line}: object {index + 1}: {error}") from error
        placements[placement.instance.name] = placement
    return Layout(placements=tuple(placements.values()))


def _placement(
    table: Mapping[str, Any], kinds: Mapping[str, ObjectSpec], *, taken: Mapping[str, Placement]
) -> Placement:
    if missing := [key for key in REQUIRED if key not in table]:
        raise ValueError(f"missing keys: {', '.join(missing)}")
    for key, value in table.items():
        if key not in KEYS:
            raise ValueError(f"unknown key {key!r}; there are: {', '.join(KEYS)}")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and math.isfinite(value) if KEYS[key] is float else type(value) is str):
            raise ValueError(f"{key} must be of type {KEYS[key].__name__}, not {value!r}")
    if (kind := table["kind"]) not in kinds:
        raise ValueError(f"unknown kind {kind!r}; there are: {', '.join(kinds)}")
    spec = kinds[kind]
    colour = table.get("colour", spec.colours[0])
    if colour not in spec.colours:
        raise ValueError(f"no {kind} in {colour!r}; there are: {', '.join(spec.colours)}")
    count = sum(each.instance.kind == kind for each in taken.values())
    name = table.get("name", f"{kind}_{count + 1}")
    if name in taken or "/" in name or not name:
        raise ValueError(f"the name {name!r} is empty, has a slash or is taken")
    return Placement(
        instance=Instance(name=name, spec=spec, colour=colour),
        x_m=float(table["x_m"]),
        y_m=float(table["y_m"]),
        yaw_rad=math.radians(table.get("yaw_degrees", 0.0)),
    )


def _header_lines(text: str) -> list[int]:
    lines = enumerate(text.splitlines(), start=1)
    return [number for number, line in lines if line.strip().startswith(HEADER)]


def _line_of(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip().lstrip("[").lstrip('"').startswith(key):
            return number
    return 1
