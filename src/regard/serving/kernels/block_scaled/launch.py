"""A kernel call with everything it needs, made once and launched any number of times."""

import ctypes
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from regard.serving.kernels.block_scaled import build
from regard.serving.kernels.block_scaled.build import GATED, QUERY
from regard.serving.kernels.block_scaled.tensor_map import Maps
from regard.serving.kernels.overlap import can_overlap

_INTEGERS = (
    "num_units",
    "num_blocks",
    "blocks_a_split",
    "num_splits",
    "num_whole",
    "num_tiles",
    "num_rows",
    "outer",
    "num_experts",
    "capacity",
    "width",
    "shared_width",
    "lines",
    "pool_rows",
    "fill_count",
    "fill_first",
    "fill_salt",
)
_POINTERS = (
    "weight_scales",
    "cos",
    "sin",
    "counts",
    "out",
    "shared_out",
    "out_scales",
    "shared_scales",
    "step",
    "pool",
    "pool_scales",
    "pool_chosen",
    "pool_shares",
    "fill",
    "fill_scales",
    "fill_chosen",
    "fill_shares",
)
_STRIDES = ("scale_stride", "shared_scale_stride", "pool_scale_stride", "fill_scale_stride")


WEIGHT, ROWS, SCALES, SHARED_WEIGHT, SHARED_ROWS, SHARED_SCALES = range(6)
"""Places of `Maps` of task.cuh."""


class _Task(ctypes.Structure):
    """`Task` of task.cuh."""

    _fields_ = [
        *((name, ctypes.c_int) for name in _INTEGERS),
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_int) for name in _STRIDES),
    ]


@dataclass(frozen=True)
class Rows:
    """Quantised activations."""

    values: Tensor
    """(rows, columns) e4m3."""

    scales: Tensor
    """(columns / 128, rows) float32; a row of it may be followed by padding."""


@dataclass(frozen=True)
class Weight:
    """A quantised weight."""

    values: Tensor
    """(outer, columns) e4m3."""

    scales: Tensor
    """(outer / 128, columns / 128) float32."""


@dataclass
class Launch:
    """One call; keeps its tensors alive."""

    mode: int
    rows: int
    """Activation rows that pass by a tile at most: a member of `build.ROWS`."""
    num_blocks: int
    """Blocks of the GPU to occupy, an even number."""
    maps: Maps
    task: _Task
    device: torch.device
    kept: list[Any] = field(default_factory=list)

    def with_task(self, integers: dict[str, int], tensors: dict[str, Tensor]) -> "Launch":
        """The same with more in its task."""
        task = _Task.from_buffer_copy(self.task)
        for name, number in integers.items():
            setattr(task, name, number)
        for name, tensor in tensors.items():
            setattr(task, name, tensor.data_ptr())
        return replace(self, task=task, kept=[*self.kept, tensors])

    def __call__(self) -> None:
        """Launches on the current stream; may be captured in a graph."""
        library = build.library(self.rows)
        stream = torch.cuda.current_stream(self.device).cuda_stream
        status = library.block_scaled_launch(
            self.mode,
            ctypes.c_void_p(self.maps.address),
            ctypes.byref(self.task),
            self.num_blocks,
            int(can_overlap(self.device)),
            ctypes.c_void_p(stream),
        )
        if status:
            library.block_scaled_error.restype = ctypes.c_char_p
            text = library.block_scaled_error(status).decode()
            raise RuntimeError(f"a block-scaled product could not be launched: {text}")


def blocks_a_part(columns: int, num_parts: int) -> int:
    """Blocks of 128 columns in each part of an inner dimension; the last part may have fewer.

    Raises:
        ValueError: A part would have none.
    """
    num_blocks = columns // 128
    share = -(-num_blocks // num_parts)
    if share * (num_parts - 1) >= num_blocks:
        raise ValueError(f"{num_blocks} blocks of columns leave one of {num_parts} parts empty")
    return share


def _describe_gated(maps: Maps, weight: Tensor, integers: dict[str, int]) -> None:
    """Gate and up of the routed experts, and of the shared one."""
    routed = 2 * integers["num_experts"] * integers["width"]
    maps.set_pairs(SHARED_WEIGHT, weight[routed:], integers["shared_width"])
    if routed:
        maps.set_pairs(WEIGHT, weight[:routed], integers["width"])


def prepare(
    mode: int,
    rows: int,
    weight: Weight,
    x: Rows,
    *,
    shared_x: Rows | None = None,
    spare_blocks: int = 0,
    integers: dict[str, int],
    tensors: dict[str, Tensor],
) -> Launch:
    """Describes operands and fills in the task.

    Args:
        mode: What is done with the product.
        rows: Activation rows that pass by a tile at most.
        weight: Its outer size is a multiple of 128.
        x: The activations.
        shared_x: Those of the shared expert, where it has others.
        spare_blocks: Multiprocessors to leave to other kernels, an even number.
        integers: Of the task.
        tensors: What the task points to.
    """
    shared = shared_x or x
    maps = Maps(6)
    if mode == GATED:
        _describe_gated(maps, weight.values, integers)
    elif mode == QUERY:
        maps.set_pairs(WEIGHT, weight.values, 128)
    else:
        maps.set(WEIGHT, weight.values, box=(128, 128), swizzled=True)
    for index, each in ((ROWS, x), (SHARED_ROWS, shared)):
        maps.set(index, each.values, box=(32, 128), swizzled=True)
        maps.set(index + 1, each.scales, box=(1, rows), swizzled=False)
    task = _Task(num_blocks=x.values.shape[1] // 128, **integers)
    task.weight_scales = weight.scales.data_ptr()
    for name, tensor in tensors.items():
        setattr(task, name, tensor.data_ptr())
    device = x.values.device
    most = torch.cuda.get_device_properties(device).multi_processor_count - spare_blocks
    num_blocks = min(most // 2 * 2, 2 * (task.num_units or most))
    return Launch(mode, rows, num_blocks, maps, task, device, [weight, tensors])
