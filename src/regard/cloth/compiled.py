"""Compilation to machine code, with the function's type kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """The function as machine code, compiled once and kept on disk; threads may run it at once.

    A division by zero gives what it gives in numpy, and no exception.
    """
    return cast(Function, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
