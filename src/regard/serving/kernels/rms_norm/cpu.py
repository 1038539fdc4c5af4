"""Launcher of the C kernel."""

import ctypes

import torch
from torch import Tensor

from regard.serving.kernels import native

_POINTER, _SIZE = ctypes.c_void_p, ctypes.c_int64
_SIGNATURE = (_POINTER, _SIZE, _POINTER, _POINTER, _SIZE, _SIZE, ctypes.c_float)


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """As the reference, for float32 rows (rows, size) whose columns are contiguous."""
    call = native.function("regard_rms_norm", _SIGNATURE)
    assert x.dtype == weight.dtype == torch.float32, (x.dtype, weight.dtype)
    assert x.stride(1) == 1, x.stride()
    rows, size = x.shape
    out = torch.empty(rows, size)
    call(x.data_ptr(), x.stride(0), weight.data_ptr(), out.data_ptr(), rows, size, eps)
    return out
