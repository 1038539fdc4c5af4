"""Copies into another process's GPU memory, and signals, in the order of CUDA streams."""

import ctypes
from functools import cache
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

GRANULE = 2 << 20
"""Bytes that CUDA shares at a time: a smaller allocation would be shared with its neighbours."""
WAIT_GEQ = 0
LAZY_PEER_ACCESS = 1
REGISTER_PORTABLE_MAPPED = 3


class CudaError(RuntimeError):
    """A call of the driver failed."""


class _Handle(ctypes.Structure):
    """CUipcMemHandle."""

    _fields_ = [("reserved", ctypes.c_ubyte * 64)]


class _Array:
    """Device memory as other libraries hand it over."""

    def __init__(self, address: int, nbytes: int) -> None:
        self.__cuda_array_interface__ = {
            "shape": (nbytes,),
            "typestr": "|u1",
            "data": (address, False),
            "version": 3,
        }


@cache
def _driver() -> ctypes.CDLL:
    return ctypes.CDLL("libcuda.so.1")


def _call(name: str, *arguments: Any) -> None:
    status = getattr(_driver(), name)(*arguments)
    if status:
        text = ctypes.c_char_p()
        _driver().cuGetErrorString(status, ctypes.byref(text))
        raise CudaError(f"{name}: {(text.value or b'unknown error').decode()} ({status})")


class CudaCopier:
    """What one pair holds of a GPU; see `Copier`.

    Copies go through a stream of their own, so that a copy engine makes them beside the kernels.
    """

    def __init__(self, device: torch.device) -> None:
        """Begin with nothing held."""
        # The driver's calls are for the context that is current in this thread.
        torch.cuda.set_device(device)
        self._device = device
        self._stream = torch.cuda.Stream(device, priority=-1)  # type: ignore[no-untyped-call]
        self._allocated: list[int] = []
        self._opened: list[int] = []
        self._registered: list[int] = []

    def allocate(self, nbytes: int) -> int:
        """Memory that can be shared."""
        address = ctypes.c_uint64()
        size = -(-nbytes // GRANULE) * GRANULE
        _call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        self._allocated.append(address.value)
        return address.value

    def export(self, address: int) -> str:
        """What another process needs to open it."""
        handle = _Handle()
        _call("cuIpcGetMemHandle", ctypes.byref(handle), ctypes.c_uint64(address))
        return bytes(handle.reserved).hex()

    def open(self, exported: str) -> int:
        """Another process's memory."""
        handle = _Handle.from_buffer_copy(bytes.fromhex(exported))
        address = ctypes.c_uint64()
        flags = ctypes.c_uint(LAZY_PEER_ACCESS)
        _call("cuIpcOpenMemHandle_v2", ctypes.byref(address), handle, flags)
        self._opened.append(address.value)
        return address.value

    def register(self, address: int, nbytes: int) -> int:
        """Let the GPU reach memory of the host; where it sees it."""
        flags = ctypes.c_uint(REGISTER_PORTABLE_MAPPED)
        _call("cuMemHostRegister_v2", ctypes.c_void_p(address), ctypes.c_size_t(nbytes), flags)
        self._registered.append(address)
        seen = ctypes.c_uint64()
        pointer = ctypes.c_void_p(address)
        _call("cuMemHostGetDevicePointer_v2", ctypes.byref(seen), pointer, ctypes.c_uint(0))
        return seen.value

    def tensor(self, address: int, nbytes: int) -> UInt8[Tensor, " nbytes"]:
        """Own memory as a tensor."""
        return torch.as_tensor(_Array(address, nbytes), device=self._device)

    def send(
        self, target: int, source: UInt8[Tensor, " nbytes"], signal: int, word: int
    ) -> torch.cuda.Event:
        """Copy once the current stream has come this far, then write the word."""
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        stream = ctypes.c_void_p(self._stream.cuda_stream)
        start, nbytes = ctypes.c_uint64(source.data_ptr()), ctypes.c_size_t(source.numel())
        _call("cuMemcpyDtoDAsync_v2", ctypes.c_uint64(target), start, nbytes, stream)
        # It comes after a fence of the whole system: whoever sees it sees the copy.
        self._write(stream, signal, word)
        sent = torch.cuda.Event()  # type: ignore[no-untyped-call]
        sent.record(self._stream)
        return sent

    def wait(self, signal: int) -> None:
        """Let the current stream wait for a word that is not 0, and make it 0."""
        stream = ctypes.c_void_p(torch.cuda.current_stream(self._device).cuda_stream)
        one, flags = ctypes.c_uint32(1), ctypes.c_uint(WAIT_GEQ)
        _call("cuStreamWaitValue32_v2", stream, ctypes.c_uint64(signal), one, flags)
        self._write(stream, signal, 0)

    def join(self, sent: torch.cuda.Event) -> None:
        """Let the current stream wait for a copy."""
        torch.cuda.current_stream(self._device).wait_event(sent)

    def is_idle(self) -> bool:
        """Whether all that was asked for is done."""
        return self._stream.query() and torch.cuda.current_stream(self._device).query()

    def close(self) -> None:
        """Give everything back."""
        for address in self._opened:
            _call("cuIpcCloseMemHandle", ctypes.c_uint64(address))
        for address in self._registered:
            _call("cuMemHostUnregister", ctypes.c_void_p(address))
        for address in self._allocated:
            _call("cuMemFree_v2", ctypes.c_uint64(address))
        self._opened, self._registered, self._allocated = [], [], []

    def _write(self, stream: ctypes.c_void_p, signal: int, word: int) -> None:
        value = ctypes.c_uint64(word)
        _call("cuStreamWriteValue64_v2", stream, ctypes.c_uint64(signal), value, ctypes.c_uint(0))
