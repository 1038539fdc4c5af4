"""An OpenGL context without a screen: EGL where it is, else OSMesa."""

from __future__ import annotations

import ctypes
import importlib
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from regard.common.errors import UserError

LIBRARIES = MappingProxyType({"egl": "libEGL.so.1", "osmesa": "libOSMesa.so.8"})
INSTALL = (
    "sudo apt-get install -y --no-install-recommends "
    "libegl1 libegl-mesa0 libgl1-mesa-dri libosmesa6"
)


class RenderingError(UserError):
    """No picture can be drawn here; says what to install."""


class GLContext(Protocol):
    """What MuJoCo's contexts offer."""

    def make_current(self) -> None:
        """Makes it the context that drawing goes to."""
        ...

    def free(self) -> None:
        """Gives it back."""
        ...


def choose_backend(
    environment: Mapping[str, str], is_present: Callable[[str], bool] | None = None
) -> str:
    """Which of `egl` and `osmesa` to draw with.

    Args:
        environment: `MUJOCO_GL` there forces one of the two.
        is_present: Whether a shared library can be loaded.

    Raises:
        RenderingError: Neither is installed, or another one is asked for.
    """
    present = is_present or _can_load
    forced = environment.get("MUJOCO_GL", "").strip().lower()
    if forced and forced not in LIBRARIES:
        raise RenderingError(
            f"MUJOCO_GL is {forced!r}; drawing without a screen needs egl or osmesa (or unset it)"
        )
    for backend in (forced,) if forced else tuple(LIBRARIES):
        if present(LIBRARIES[backend]):
            return backend
    missing = LIBRARIES[forced] if forced else " and ".join(LIBRARIES.values())
    raise RenderingError(f"cannot draw: {missing} missing; install it by: {INSTALL}")


def open_context(width: int, height: int) -> GLContext:
    """A context for pictures of up to this size.

    Raises:
        RenderingError: None can be made here.
    """
    backend = choose_backend(os.environ)
    try:
        module = importlib.import_module(f"mujoco.{backend}")
        context: GLContext = module.GLContext(width, height)
    except (ImportError, RuntimeError, AttributeError) as error:
        other = "osmesa" if backend == "egl" else "egl"
        reason = " ".join(str(error).split())
        raise RenderingError(
            f"cannot draw with {backend}: {reason}; install the drivers by: {INSTALL} "
            f"(or set MUJOCO_GL={other})"
        ) from error
    return context


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
