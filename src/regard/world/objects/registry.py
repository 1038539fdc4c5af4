"""The kinds of objects there are, read from catalogues: a folder with `catalogue.toml` and MJCF."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from regard.world.colours import COLOURS
from regard.world.objects.contract import Affordance, Footprint, ObjectFileError, ObjectSpec

CATALOGUE_NAME = "catalogue.toml"
DEVELOPMENT_FOLDER = Path(__file__).parent / "mjcf"
HELD_OUT_FOLDER = Path(__file__).parent / "held_out"

_REQUIRED = MappingProxyType(
    {
        "label": str,
        "affordances": list,
        "look_alike_group": str,
        "mass_kg": float,
        "mass_source": str,
        "friction": float,
        "friction_source": str,
        "footprint_m": list,
        "height_m": float,
        "colours": list,
    }
)
_OPTIONAL = MappingProxyType({"symmetric": bool, "is_fixed": bool, "num_beads": int})


@cache
def development_objects() -> Mapping[str, ObjectSpec]:
    """The objects that skills may be developed on, by kind."""
    return read_catalogue(DEVELOPMENT_FOLDER)


@cache
def held_out_objects() -> Mapping[str, ObjectSpec]:
    """The objects that are only for testing, by kind."""
    return read_catalogue(HELD_OUT_FOLDER)


@cache
def all_objects() -> Mapping[str, ObjectSpec]:
    """Every object that comes with the package, by kind."""
    return MappingProxyType({**development_objects(), **held_out_objects()})


def read_catalogue(folder: Path) -> Mapping[str, ObjectSpec]:
    """The kinds of a catalogue, by name.

    Args:
        folder: Holds `catalogue.toml`, one table a kind, and `<kind>.xml` for each.

    Raises:
        ObjectFileError: If the catalogue is missing or malformed; names the file and the line.
    """
    path = folder / CATALOGUE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ObjectFileError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ObjectFileError(f"{path}: {error}") from error
    specs = {}
    for kind, table in tables.items():
        try:
            specs[kind] = _spec_from_table(kind, table, folder)
        except ValueError as error:
            line = line_of(text, f"[{kind}]")
            raise ObjectFileError(f"{path}: line {line}: {kind}: {error}") from error
    return MappingProxyType(specs)


def line_of(text: str, beginning: str) -> int:
    """The number of the first line that begins so, from 1; 1 when none does."""
    numbered = enumerate(text.splitlines(), start=1)
    return next((number for number, line in numbered if line.strip().startswith(beginning)), 1)


def _spec_from_table(kind: str, table: Any, folder: Path) -> ObjectSpec:
    if not isinstance(table, dict):
        raise ValueError("a table is needed")
    _check_keys(table)
    affordances = frozenset(Affordance(name) for name in table["affordances"])
    colours = tuple(table["colours"])
    if unknown := [colour for colour in colours if colour not in COLOURS]:
        raise ValueError(f"unknown colours {unknown}; choose among {', '.join(COLOURS)}")
    if not colours:
        raise ValueError("at least one colour is needed")
    if len(table["footprint_m"]) != 4:
        raise ValueError("footprint_m needs x_min, x_max, y_min, y_max")
    for name in ("mass_kg", "friction", "height_m"):
        if not table[name] > 0:
            raise ValueError(f"{name} must be positive, not {table[name]}")
    for name in ("mass_source", "friction_source"):
        if not table[name].strip():
            raise ValueError(f"{name} must say where the figure comes from")
    file = folder / f"{kind}.xml"
    if not file.is_file():
        raise ValueError(f"its geometry {file.name} is missing")
    rest = {name: table[name] for name in table if name not in ("affordances", "colours")}
    rest["footprint_m"] = Footprint(*map(float, table["footprint_m"]))
    return ObjectSpec(kind=kind, file=file, affordances=affordances, colours=colours, **rest)


def _check_keys(table: Mapping[str, Any]) -> None:
    types = {**_REQUIRED, **_OPTIONAL}
    if missing := [name for name in _REQUIRED if name not in table]:
        raise ValueError(f"missing keys: {', '.join(missing)}")
    if unknown := [name for name in table if name not in types]:
        raise ValueError(f"unknown keys: {', '.join(unknown)}")
    for name, value in table.items():
        if not isinstance(value, types[name]):
            raise ValueError(f"{name} must be of type {types[name].__name__}, not {value!r}")
