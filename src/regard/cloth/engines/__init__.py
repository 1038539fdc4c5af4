"""The engines behind the environments."""

from __future__ import annotations

from regard.cloth.engines.contract import ClothEngine
from regard.cloth.engines.mujoco_engine import MujocoEngine
from regard.cloth.engines.xpbd_engine import XpbdEngine
from regard.cloth.errors import ClothError

ENGINES = ("mujoco", "xpbd")
"""Names of the engines; the first is the main one."""
RESOLUTION_STEP = 4
"""The observed points must be vertices: a resolution is 1 more than a multiple of this."""


def make_engine(name: str, resolution: int | None = None) -> ClothEngine:
    """The engine of that name.

    Args:
        name: One of `ENGINES`.
        resolution: Vertices along one edge; the engine's own choice if None.

    Raises:
        ClothError: The name or the resolution will not do.
    """
    if name not in ENGINES:
        raise ClothError(f"unknown engine {name!r}; choose one of: {', '.join(ENGINES)}")
    if resolution is not None and (resolution < 5 or (resolution - 1) % RESOLUTION_STEP):
        raise ClothError(
            f"a resolution of {resolution} will not do: take 1 more than a multiple of "
            f"{RESOLUTION_STEP}, such as 9 or 13"
        )
    if name == "mujoco":
        return MujocoEngine() if resolution is None else MujocoEngine(resolution)
    return XpbdEngine() if resolution is None else XpbdEngine(resolution)
