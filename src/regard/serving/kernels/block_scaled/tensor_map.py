"""What the tensor copy engine needs to know of a matrix."""

import ctypes

import torch
from torch import Tensor

MAP_BYTES = 128
MAP_ALIGNMENT = 64
UINT8, FLOAT32 = 0, 7
NO_SWIZZLE, SWIZZLE_128 = 0, 3
NO_INTERLEAVE, PROMOTE_256, NO_FILL = 0, 3, 0


class Maps:
    """Maps side by side, at an address that the engine accepts."""

    def __init__(self, num_maps: int) -> None:
        """Room for so many."""
        self._room = ctypes.create_string_buffer(num_maps * MAP_BYTES + MAP_ALIGNMENT)
        start = ctypes.addressof(self._room)
        self.address = -(-start // MAP_ALIGNMENT) * MAP_ALIGNMENT
        """Where the first one stands."""
        self._kept: list[Tensor] = []

    def set(self, index: int, matrix: Tensor, *, box: tuple[int, int], swizzled: bool) -> None:
        """Describes a matrix, which is kept alive.

        Args:
            index: Which map.
            matrix: Two dimensions, the last one contiguous; FP8 or float32.
            box: Rows and columns of one copy.
            swizzled: Whether rows of 128 bytes are laid out for the matrix units.

        Raises:
            RuntimeError: The engine refuses the matrix; its row stride must be a multiple of 16
                bytes.
        """
        rows, columns = matrix.shape
        strides = (matrix.stride(0) * matrix.element_size(),)
        self._encode(index, matrix, (columns, rows), strides, box[::-1], swizzled=swizzled)

    def set_pairs(self, index: int, weights: Tensor, width: int) -> None:
        """Describes pairs of matrices, so that a copy brings 64 rows of either by turns.

        Args:
            index: Which map.
            weights: (pairs * 2 * width, columns) FP8: a pair's first matrix, then its second.
            width: Rows of a matrix; a multiple of 64.

        Raises:
            RuntimeError: As `set`.
        """
        rows, columns = weights.shape
        row = weights.stride(0) * weights.element_size()
        sizes = (columns, 2, width, rows // (2 * width))
        strides = (width * row, row, 2 * width * row)
        self._encode(index, weights, sizes, strides, (128, 2, 64, 1), swizzled=True)

    def _encode(
        self,
        index: int,
        matrix: Tensor,
        sizes: tuple[int, ...],
        strides: tuple[int, ...],
        box: tuple[int, ...],
        *,
        swizzled: bool,
    ) -> None:
        """Describes dimensions, the innermost first; strides are bytes, without the innermost."""
        rank = len(sizes)
        status = ctypes.CDLL("libcuda.so.1").cuTensorMapEncodeTiled(
            ctypes.c_void_p(self.address + index * MAP_BYTES),
            FLOAT32 if matrix.dtype == torch.float32 else UINT8,
            rank,
            ctypes.c_void_p(matrix.data_ptr()),
            (ctypes.c_uint64 * rank)(*sizes),
            (ctypes.c_uint64 * (rank - 1))(*strides),
            (ctypes.c_uint32 * rank)(*box),
            (ctypes.c_uint32 * rank)(*(1,) * rank),
            NO_INTERLEAVE,
            SWIZZLE_128 if swizzled else NO_SWIZZLE,
            PROMOTE_256,
            NO_FILL,
        )
        if status:
            raise RuntimeError(
                f"the copy engine refuses a matrix of {tuple(matrix.shape)}, row stride "
                f"{matrix.stride(0) * matrix.element_size()} bytes (CUDA status {status})"
            )
        self._kept.append(matrix)
