# mypy: ignore-errors
# The compiler of triton reads the kernel; torch's stream and event calls have no types.
"""GPUs of one host, driven by one process: streams, one graph over all of them, their clocks."""

import ctypes
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import torch
import triton
import triton.language as tl
from triton.language.extra.cuda import globaltimer

from benchmarks.serving.full.machine import Pairs, Queue
from benchmarks.serving.slice.wire import connect
from regard.serving.afd.trace import clock_offset_ns

NUM_PROBES = 64


@triton.jit
def _stamp_kernel(out):
    tl.store(out, globaltimer())


class CudaQueue:
    """A stream."""

    def __init__(self, device: torch.device) -> None:
        """A new one."""
        self.device = device
        with torch.cuda.device(device):
            self.stream = torch.cuda.Stream()

    def run(self, work: Callable[[], object]) -> None:
        """As `Queue`."""
        with torch.cuda.device(self.device), torch.cuda.stream(self.stream):
            work()

    def copy(self, pairs: Pairs) -> None:
        """As `Queue`: copy engines, in the order of this stream alone; torch would use both's."""
        with torch.cuda.device(self.device):
            for target, source in pairs:
                assert target.is_contiguous()
                assert source.is_contiguous()
                assert target.nbytes == source.nbytes
                status = ctypes.CDLL("libcuda.so.1").cuMemcpyAsync(
                    ctypes.c_uint64(target.data_ptr()),
                    ctypes.c_uint64(source.data_ptr()),
                    ctypes.c_size_t(source.nbytes),
                    ctypes.c_void_p(self.stream.cuda_stream),
                )
                if status:
                    raise RuntimeError(f"a copy between GPUs failed (CUDA status {status})")

    def upload(self, pairs: Pairs) -> None:
        """As `Queue`: pinned memory is used again once the copies are done; torch sees to that."""
        with torch.cuda.device(self.device), torch.cuda.stream(self.stream):
            for target, source in pairs:
                target.copy_(source.pin_memory(), non_blocking=True)

    def record(self) -> torch.cuda.Event:
        """As `Queue`."""
        event = torch.cuda.Event()
        event.record(self.stream)
        return event

    def wait(self, event: torch.cuda.Event) -> None:
        """As `Queue`."""
        self.stream.wait_event(event)


class CudaMoment:
    """An event with a time."""

    def __init__(self, queue: CudaQueue) -> None:
        """Recorded now."""
        with torch.cuda.device(queue.device):
            self.event = torch.cuda.Event(enable_timing=True)
            self.event.record(queue.stream)

    def seconds_since(self, other: "CudaMoment") -> float:
        """As `Moment`."""
        return other.event.elapsed_time(self.event) / 1e3

    def wait(self) -> None:
        """As `Moment`."""
        self.event.synchronize()


class CudaClock:
    """The timer of a GPU, brought over to the clock of this process."""

    def __init__(self, device: torch.device, num_slots: int) -> None:
        """Room for so many times."""
        self._device = device
        self._times = torch.zeros(num_slots, dtype=torch.int64, device=device)

    def mark(self, queue: Queue, slot: int) -> None:
        """As `Clock`."""
        queue.run(lambda: _stamp_kernel[(1,)](self._times[slot:], num_warps=1))

    def nanoseconds(self) -> list[int]:
        """As `Clock`."""
        times = self._times.tolist()
        offset = self._offset()
        return [each + offset for each in times]

    def _offset(self) -> int:
        """From round trips; wrong by half of the shortest at most, some microseconds."""
        probe = torch.zeros(1, dtype=torch.int64, device=self._device)
        seen = []
        with torch.cuda.device(self._device):
            for _ in range(NUM_PROBES):
                torch.cuda.synchronize(self._device)
                asked = time.perf_counter_ns()
                _stamp_kernel[(1,)](probe, num_warps=1)
                torch.cuda.synchronize(self._device)
                came = time.perf_counter_ns()
                seen.append((asked, int(probe.item()), came))
        return clock_offset_ns(seen)


class CudaMachine:
    """The GPUs of both sides."""

    def __init__(self, attention: Sequence[torch.device], ffn: Sequence[torch.device]) -> None:
        """Lets each GPU of one side reach the memory of each of the other.

        Raises:
            RuntimeError: Two GPUs cannot.
        """
        self._devices = list(dict.fromkeys([*attention, *ffn]))
        for one in attention:
            for other in ffn:
                if one == other:
                    continue
                if not torch.cuda.can_device_access_peer(one, other):
                    raise RuntimeError(f"{one} cannot reach the memory of {other}")
                connect(one, other)
        self._pools = {}
        for device in self._devices:
            with torch.cuda.device(device):
                self._pools[device] = torch.cuda.MemPool()

    def queue(self, device: torch.device) -> CudaQueue:
        """As `Machine`."""
        return CudaQueue(device)

    def captured(self, first: CudaQueue, work: Callable[[], object]) -> Callable[[], None]:
        """As `Machine`: one CUDA graph over all GPUs."""
        self.synchronize()
        graph = torch.cuda.CUDAGraph()
        with ExitStack() as stack:
            stack.enter_context(torch.cuda.device(first.device))
            stack.enter_context(
                torch.cuda.graph(graph, stream=first.stream, capture_error_mode="relaxed")
            )
            # A graph keeps what is allocated on the GPU that captures; elsewhere it would be given
            # to others while replays still write to it.
            for device, pool in self._pools.items():
                if device != first.device:
                    stack.enter_context(torch.cuda.use_mem_pool(pool, device))
            work()

        def replay() -> None:
            with torch.cuda.device(first.device), torch.cuda.stream(first.stream):
                graph.replay()

        return replay

    def moment(self, queue: CudaQueue) -> CudaMoment:
        """As `Machine`."""
        return CudaMoment(queue)

    def clock(self, device: torch.device, num_slots: int) -> CudaClock:
        """As `Machine`."""
        return CudaClock(device, num_slots)

    def synchronize(self) -> None:
        """As `Machine`."""
        for device in self._devices:
            torch.cuda.synchronize(device)
