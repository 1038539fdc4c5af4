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
        width = matrix.element_size()
        kind = FLOAT32 if matrix.dtype == torch.float32 else UINT8
        status = ctypes.CDLL("libcuda.so.1").cuTensorMapEncodeTiled(
            ctypes.c_void_p(self.address + index * MAP_BYTES),
            kind,
            2,
            ctypes.c_void_p(matrix.data_ptr()),
            (ctypes.c_uint64 * 2)(columns, rows),
            (ctypes.c_uint64 * 1)(matrix.stride(0) * width),
            (ctypes.c_uint32 * 2)(box[1], box[0]),
            (ctypes.c_uint32 * 2)(1, 1),
            NO_INTERLEAVE,
            SWIZZLE_128 if swizzled else NO_SWIZZLE,
            PROMOTE_256,
            NO_FILL,
        )
        if status:
            raise RuntimeError(
                f"the copy engine refuses a matrix of {tuple(matrix.shape)}, row stride "
                f"{matrix.stride(0) * width} bytes (CUDA status {status})"
            )
        self._kept.append(matrix)
