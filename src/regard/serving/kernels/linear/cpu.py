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
        self._weight = weight
        self._call = native.function("regard_linear", _SIGNATURE)
        # Read once: a decode step makes two hundred of these calls.
        self._pointer = weight.data.data_ptr()
        self._padded = weight.padded_out_features
        self._panel_bytes = weight.panel_bytes
        self._scratch = torch.empty(0, dtype=torch.uint8)

    def __call__(self, x: Tensor) -> Tensor:
        """Multiply; the result of a row depends on that row alone."""
        weight, padded = self._weight, self._padded
        rows, in_features = x.shape
        assert x.dtype == torch.float32, x.dtype
        assert in_features == weight.in_features, x.shape
        x = x.contiguous()
        y = torch.empty(rows, padded)
        self._call(
            x.data_ptr(),
            self._pointer,
            y.data_ptr(),
            rows,
            padded,
            in_features,
            self._panel_bytes,
            weight.format,
            self._room(rows),
            torch.get_num_threads(),
        )
        return y if weight.out_features == padded else y[:, : weight.out_features]

    def _room(self, rows: int) -> int:
        """Address of scratch memory for the rounded activations of so many rows."""
        if not self._weight.is_quantised:
            return 0
        columns = self._weight.in_features
        size = rows * (2 * columns + 8 * (columns // BLOCK))
        if self._scratch.numel() < size:
            self._scratch = torch.empty(size, dtype=torch.uint8)
        return self._scratch.data_ptr()
