"""The devices of this host, and the log."""

import argparse
from pathlib import Path

import torch

from benchmarks.serving.full.build import Operators, kernel_operators, plain_operators
from benchmarks.serving.full.check import Devices
from benchmarks.serving.full.config import SettingError
from benchmarks.serving.full.host_machine import HostMachine
from benchmarks.serving.full.machine import Machine

UNLIMITED = 1e18
MOST_SIDES = 64
"""That a dry run may have on one device."""


class Host:
    """The devices that are there."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Refuses a host with too few GPUs.

        Raises:
            SettingError: With how many are there and how many are wanted.
        """
        self.is_cpu = options.device == "cpu"
        self.num_devices = MOST_SIDES if self.is_cpu else torch.cuda.device_count()
        # Where only one stage after another is timed, one GPU does.
        self._is_shared = options.one_gpu
        sides = options.attention + options.ffn
        wanted = 1 if options.stages or options.one_gpu else sides
        self._share = sides if options.one_gpu else 1
        self._wanted = wanted
        if self.num_devices < wanted:
            raise SettingError(
                f"{options.attention}A{options.ffn}F takes {wanted} CUDA devices; "
                f"{self.num_devices} are visible (--device cpu is a dry run)"
            )

    def operators(self) -> Operators:
        """Kernels, or plain torch on a CPU."""
        return plain_operators() if self.is_cpu else kernel_operators()

    @property
    def memory(self) -> float:
        """Free bytes of the fullest GPU that is wanted, for each side that is on it."""
        if self.is_cpu:
            return UNLIMITED
        free = min(torch.cuda.mem_get_info(index)[0] for index in range(self._wanted))
        return free / self._share

    @property
    def name(self) -> str:
        """Of the GPUs."""
        return "CPU" if self.is_cpu else torch.cuda.get_device_name(0)

    def pick(self, num_attention: int, num_ffn: int) -> Devices:
        """The devices of either side."""
        if self.is_cpu:
            cpu = torch.device("cpu")
            return [cpu] * num_attention, [cpu] * num_ffn
        places = range(num_attention + num_ffn)
        every = [torch.device("cuda", 0 if self._is_shared else index) for index in places]
        return every[:num_attention], every[num_attention:]

    def synchronize(self) -> None:
        """Until all devices are idle."""
        for index in range(0 if self.is_cpu else self._wanted):
            torch.cuda.synchronize(index)

    def machine(self, devices: Devices) -> Machine:
        """Queues on them."""
        if self.is_cpu:
            return HostMachine()
        # Needs triton, which a machine without GPUs has not.
        from benchmarks.serving.full.cuda_machine import CudaMachine

        return CudaMachine(*devices)


class Log:
    """What is printed, and kept where a file is given."""

    def __init__(self, path: Path | None) -> None:
        """Appends to the file."""
        self._path = path

    def __call__(self, text: str, *, shown: bool = True) -> None:
        """One line."""
        if shown:
            print(text, flush=True)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text + "\n")
