# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""RMSNorm for GPUs (Triton)."""

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from regard.serving.kernels.overlap import can_overlap

WIDE = 2048


@triton.jit
def _rms_norm_kernel(
    x, weight, out, row_stride, size, eps, COLUMNS: tl.constexpr, OVERLAP: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    inside = columns < size
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    values = tl.load(x + row * row_stride + columns, inside, other=0.0).to(tl.float32)
    scale = tl.rsqrt(tl.sum(values * values, 0) / size + eps)
    factors = tl.load(weight + columns, inside, other=0.0).to(tl.float32)
    result = (values * scale * factors).to(out.dtype.element_ty)
    tl.store(out + row * size + columns, result, inside)


def rms_norm_gpu(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """As the reference, for rows (rows, size) whose columns are contiguous."""
    rows, size = x.shape
    out = torch.empty(rows, size, dtype=x.dtype, device=x.device)
    if rows:
        overlap = can_overlap(x.device)
        _rms_norm_kernel[(rows,)](
            x, weight, out, x.stride(0), size, eps,
            COLUMNS=triton.next_power_of_2(size), OVERLAP=overlap,
            num_warps=8 if size > WIDE else 4, launch_pdl=overlap,
        )  # fmt: skip
    return out
