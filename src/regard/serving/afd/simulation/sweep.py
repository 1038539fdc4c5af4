"""`--sweep`: the options of every point."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from regard.serving.afd.simulation.options import SimulateOptions
from regard.serving.afd.simulation.stage_time import SimulationError

KINDS = {"int": int, "float": float}


def swept(options: SimulateOptions) -> list[tuple[dict[str, float], SimulateOptions]]:
    """All combinations of the values of `--sweep`, each with what sets it apart.

    Raises:
        SimulationError: A sweep that is not NAME=VALUE,VALUE of a numeric option.
    """
    points: list[tuple[dict[str, float], SimulateOptions]] = [({}, options)]
    for text in options.sweep:
        name, values = _values_of(text)
        points = [
            ({**so_far, name: value}, replace(each, **{name: value}))
            for so_far, each in points
            for value in values
        ]
    return points


def _values_of(text: str) -> tuple[str, list[Any]]:
    # Annotations are strings such as `int | None`.
    kinds = {each.name: KINDS.get(str(each.type).split(" ")[0]) for each in fields(SimulateOptions)}
    name, separator, listed = text.partition("=")
    name = name.strip().replace("-", "_")
    kind = kinds.get(name)
    if not separator or kind is None:
        numeric = ", ".join(each for each, of in kinds.items() if of is not None)
        raise SimulationError(f"sweep {text!r}: write NAME=VALUE,VALUE; NAME is one of {numeric}")
    try:
        return name, [kind(each) for each in listed.split(",")]
    except ValueError:
        raise SimulationError(
            f"sweep {text!r}: {listed!r} is no list of {kind.__name__} values"
        ) from None
