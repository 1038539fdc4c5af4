# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""Transfers between the two GPUs, none visible sooner than a NIC would make it.

A copy engine moves the bytes over NVLink. One thread of the sending GPU then waits until the
transfer would have ended on a wire of the given speed, one transfer after another, plus a latency.
"""

import ctypes
import time

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import globaltimer

NANOSECONDS = 1e9


@triton.jit
def _stamp_kernel(ready):
    tl.store(ready, globaltimer())


@triton.jit
def _hold_kernel(ready, free, trace, duration, latency):
    begin = tl.maximum(tl.load(ready), tl.load(free))
    end = begin + duration
    tl.store(free, end)
    now = globaltimer()
    while now < end + latency:
        now = globaltimer()
    tl.store(trace, tl.load(ready))
    tl.store(trace + 1, begin)
    tl.store(trace + 2, now)


def _copy(target: Tensor, source: Tensor, stream: torch.cuda.Stream) -> None:
    """Copies bytes in the order of this stream alone: torch would make the target's wait too."""
    status = ctypes.CDLL("libcuda.so.1").cuMemcpyAsync(
        ctypes.c_uint64(target.data_ptr()),
        ctypes.c_uint64(source.data_ptr()),
        ctypes.c_size_t(source.numel() * source.element_size()),
        ctypes.c_void_p(stream.cuda_stream),
    )
    if status:
        raise RuntimeError(f"copying between the GPUs failed (CUDA status {status})")


def connect(one: torch.device, other: torch.device) -> None:
    """Lets each GPU reach the other's memory; torch does so with the first copy."""
    for source, target in ((one, other), (other, one)):
        torch.zeros(1, device=source).to(target)


def stamp_samples(device: torch.device, count: int = 200) -> list[tuple[int, int, int]]:
    """The host's clock before, the device's clock, the host's after it; nanoseconds."""
    stamp = torch.zeros(1, dtype=torch.int64, device=device)
    samples = []
    with torch.cuda.device(device):
        for _ in range(count):
            torch.cuda.synchronize()
            before = time.perf_counter_ns()
            _stamp_kernel[(1,)](stamp, num_warps=1)
            torch.cuda.synchronize()
            after = time.perf_counter_ns()
            samples.append((before, int(stamp.item()), after))
    # The first ones compile and load the kernel.
    return samples[1:]


class Wire:
    """One direction."""

    def __init__(
        self, device: torch.device, bytes_per_second: float, latency: float, num_transfers: int
    ) -> None:
        """From this device; `num_transfers` a step are traced."""
        self.device = device
        self._speed, self._latency = bytes_per_second, latency
        self._stream = torch.cuda.Stream(device, priority=-1)
        self._stamps = torch.cuda.Stream(device, priority=-1)
        self._ready = torch.zeros(num_transfers, dtype=torch.int64, device=device)
        self._free = torch.zeros(1, dtype=torch.int64, device=device)
        self.trace = torch.zeros(num_transfers, 3, dtype=torch.int64, device=device)
        """Nanoseconds at which each transfer was ready, began on the wire, and was seen."""

    def send(
        self, index: int, pairs: list[tuple[Tensor, Tensor]], num_bytes: int
    ) -> torch.cuda.Event:
        """Copies sources to targets once the current stream has come this far.

        Args:
            index: Of the transfer in the step.
            pairs: Target and source.
            num_bytes: On the wire.

        Returns:
            When the receiver may see it.
        """
        current = torch.cuda.current_stream(self.device)
        duration = int(num_bytes / self._speed * NANOSECONDS) if self._speed else 0
        latency = int(self._latency * NANOSECONDS) if self._speed else 0
        with torch.cuda.device(self.device):
            self._stamps.wait_stream(current)
            with torch.cuda.stream(self._stamps):
                _stamp_kernel[(1,)](self._ready[index:], num_warps=1)
            self._stream.wait_stream(self._stamps)
            with torch.cuda.stream(self._stream):
                for target, source in pairs:
                    _copy(target, source, self._stream)
                _hold_kernel[(1,)](
                    self._ready[index:], self._free, self.trace[index], duration, latency,
                    num_warps=1,
                )  # fmt: skip
                seen = torch.cuda.Event()
                seen.record(self._stream)
        return seen

    def join(self) -> None:
        """Lets the device's current stream wait for all transfers."""
        torch.cuda.current_stream(self.device).wait_stream(self._stream)
