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


class SpinningPoll:
    """As `plain_poll`, but asks again and again for a while before it sleeps."""

    def __init__(self, spin_seconds: float) -> None:
        self._call = native.function("regard_poll", _SIGNATURE, ctypes.c_int)
        self._spin_ns = int(spin_seconds * 1e9)
        self._interests: dict[int, int] = {}
        self._array = (_PollDescriptor * 0)()
        self._address = 0

    def __call__(
        self, interests: Mapping[int, int], timeout_seconds: float | None
    ) -> list[tuple[int, int]]:
        """See `plain_poll`."""
        if interests != self._interests:
            # Seldom: a link's sockets come and go with its instances.
            self._interests = dict(interests)
            items = [_PollDescriptor(*item) for item in interests.items()]
            self._array = (_PollDescriptor * len(items))(*items)
            self._address = ctypes.addressof(self._array)
        timeout_ns = -1 if timeout_seconds is None else int(timeout_seconds * 1e9)
        if not self._call(self._address, len(self._array), self._spin_ns, timeout_ns):
            return []
        return [(each.fd, each.revents) for each in self._array if each.revents]
