"""Puts a case together on given devices."""

from collections.abc import Callable

import torch

from benchmarks.serving.full.attention_side import AttentionOperators, AttentionSide
from benchmarks.serving.full.compilation import builds_of, compile_builds
from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.ffn_side import FfnOperators, FfnSide
from benchmarks.serving.full.machine import Machine
from benchmarks.serving.full.plain import PlainAttention, PlainFfn
from benchmarks.serving.full.step import FullStep
from benchmarks.serving.full.weights import Weights

Operators = tuple[Callable[[AttentionSide], AttentionOperators], Callable[[FfnSide], FfnOperators]]


def plain_operators() -> Operators:
    """Plain torch, on any device."""
    return PlainAttention, PlainFfn


def kernel_operators() -> Operators:
    """The kernels; needs Hopper GPUs, triton and nvcc."""
    from benchmarks.serving.full.attention_kernels import KernelAttention
    from benchmarks.serving.full.ffn_kernels import KernelFfn

    return KernelAttention, KernelFfn


def build_step(
    config: FullConfig,
    machine: Machine,
    devices: tuple[list[torch.device], list[torch.device]],
    weights: Weights,
    operators: Operators,
) -> FullStep:
    """Allocates caches and buffers beside weights that are there."""
    make_attention, make_ffn = operators
    attention = []
    for index, (device, own) in enumerate(zip(devices[0], weights.attention, strict=True)):
        with current(device):
            attention.append(make_attention(AttentionSide(config, index, device, own)))
    ffn = []
    for index, (device, layers) in enumerate(zip(devices[1], weights.ffn, strict=True)):
        with current(device):
            ffn.append(make_ffn(FfnSide(config, index, device, layers)))
    launches = [each for side in (*attention, *ffn) for each in getattr(side, "launches", [])]
    compile_builds(builds_of(launches))
    return FullStep(config, machine, attention, ffn)


def current(device: torch.device) -> torch.cuda.device:
    """Makes a GPU the current one for what is prepared on it; does nothing on a CPU."""
    return torch.cuda.device(device if device.type == "cuda" else -1)
