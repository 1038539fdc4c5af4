# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""SwiGLU for GPUs (Triton)."""

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from regard.serving.kernels.overlap import can_overlap

COLUMNS = 1024


@triton.jit
def _swiglu_kernel(gate_up, out, size, COLUMNS: tl.constexpr, OVERLAP: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = columns < size
    at = gate_up + row * 2 * size + columns
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    gate = tl.load(at, inside, other=0.0).to(tl.float32)
    up = tl.load(at + size, inside, other=0.0).to(tl.float32)
    result = gate * tl.sigmoid(gate) * up
    tl.store(out + row * size + columns, result.to(out.dtype.element_ty), inside)


def swiglu_gpu(gate_up: Tensor) -> Tensor:
    """As the reference, for contiguous rows (rows, 2 * size)."""
    rows, size = gate_up.shape[0], gate_up.shape[1] // 2
    out = torch.empty(rows, size, dtype=gate_up.dtype, device=gate_up.device)
    if rows:
        overlap = can_overlap(gate_up.device)
        _swiglu_kernel[rows, triton.cdiv(size, COLUMNS)](
            gate_up, out, size, COLUMNS=COLUMNS, OVERLAP=overlap, launch_pdl=overlap
        )
    return out
