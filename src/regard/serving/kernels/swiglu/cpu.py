"""Launcher of the C kernel."""

import ctypes

import torch
from torch import Tensor

from regard.serving.kernels import native

_SIGNATURE = (*(ctypes.c_void_p,) * 2, *(ctypes.c_int64,) * 2, ctypes.c_int)


def swiglu(gate_up: Tensor) -> Tensor:
    """As the reference, for float32 rows (rows, 2 * size)."""
    call = native.function("regard_swiglu", _SIGNATURE)
    assert gate_up.dtype == torch.float32, gate_up.dtype
    assert gate_up.is_contiguous()
    rows, double = gate_up.shape
    out = torch.empty(rows, double // 2)
    call(gate_up.data_ptr(), out.data_ptr(), rows, double // 2, torch.get_num_threads())
    return out
