"""Launcher of the C kernel."""

import ctypes

import torch
from torch import Tensor

from regard.serving.kernels import native
from regard.serving.kernels.linear.packing import BLOCK, PackedWeight

_SIGNATURE = (
    *(ctypes.c_void_p,) * 3,
    *(ctypes.c_int64,) * 4,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_int,
)


class CpuLinear:
    """y = x @ weight.T over a packed weight; x (rows, in) float32, y (rows, out) float32."""

    def __init__(self, weight: PackedWeight) -> None:
        self.weight = weight
        self._call = native.library().regard_linear
        self._call.argtypes = _SIGNATURE
        self._call.restype = None

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply; the result of a row depends on that row alone."""
        weight = self.weight
        rows, in_features = x.shape
        assert x.dtype == torch.float32, x.dtype
        assert in_features == weight.in_features, x.shape
        x = x.contiguous()
        y = torch.empty(rows, weight.padded_out_features)
        scratch = torch.empty(
            rows * (2 * in_features + 8 * (in_features // BLOCK)) if weight.is_quantised else 0,
            dtype=torch.uint8,
        )
        self._call(
            x.data_ptr(),
            weight.data.data_ptr(),
            y.data_ptr(),
            rows,
            weight.padded_out_features,
            in_features,
            weight.panel_bytes,
            weight.format,
            scratch.data_ptr(),
            torch.get_num_threads(),
        )
        return y if weight.out_features == y.shape[1] else y[:, : weight.out_features]
