"""Launchers of the C versions."""

import ctypes
from functools import cache

import torch
from torch import Tensor

from regard.serving.kernels import native

_QUANTISE = (*(ctypes.c_void_p,) * 3, *(ctypes.c_int64,) * 2)
_DEQUANTISE = (*(ctypes.c_void_p,) * 4, *(ctypes.c_int64,) * 2)


@cache
def _all_values() -> Tensor:
    """What each of the 256 codes stands for."""
    codes = torch.arange(256, dtype=torch.int16).to(torch.uint8)
    return codes.view(torch.float8_e4m3fn).float()


def quantise_cpu(x: Tensor, out: Tensor, scales: Tensor) -> None:
    """As the reference, for contiguous float32 rows."""
    assert x.dtype == torch.float32, x.dtype
    assert x.is_contiguous()
    call = native.function("regard_block_fp8_quantise", _QUANTISE)
    call(x.data_ptr(), out.data_ptr(), scales.data_ptr(), *x.shape)


def dequantise_cpu(values: Tensor, scales: Tensor) -> Tensor:
    """As the reference."""
    call = native.function("regard_block_fp8_dequantise", _DEQUANTISE)
    out = torch.empty(values.shape)
    pointers = (values, scales, _all_values(), out)
    call(*(tensor.data_ptr() for tensor in pointers), *values.shape)
    return out
