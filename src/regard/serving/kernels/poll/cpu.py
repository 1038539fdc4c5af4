"""Launcher of the C version."""

import ctypes
from collections.abc import Mapping

from regard.serving.kernels import native


class _PollDescriptor(ctypes.Structure):
    _fields_ = (
        ("fd", ctypes.c_int),
        ("events", ctypes.c_short),
        ("revents", ctypes.c_short),
    )


_SIGNATURE = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)


def spinning_poll(
    interests: Mapping[int, int], timeout_seconds: float | None, *, spin_seconds: float
) -> list[tuple[int, int]]:
    """As `plain_poll`, but asks again and again for so long before it sleeps."""
    call = native.function("regard_poll", _SIGNATURE)
    items = [_PollDescriptor(*item) for item in interests.items()]
    array = (_PollDescriptor * len(items))(*items)
    timeout_ns = -1 if timeout_seconds is None else int(timeout_seconds * 1e9)
    call(ctypes.addressof(array), len(items), int(spin_seconds * 1e9), timeout_ns)
    return [(each.fd, each.revents) for each in array if each.revents]
