# mypy: ignore-errors
# The compiler of triton reads these functions; their arguments have no Python types.
"""One row through a matrix, for GPUs (Triton): bound by reading the weights.

Decoding alone, a request is one row, and a general matrix product leaves a tenth of the memory's
bandwidth unused. The first weights are asked for before the kernel ahead in the stream has ended
(programmatic dependent launch); the row itself only after.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from regard.serving.kernels.overlap import can_overlap

COLUMNS = 2048
ROWS = 2


@triton.jit
def _row_kernel(
    x, weight, out, inner, ROWS: tl.constexpr, COLUMNS: tl.constexpr, OVERLAP: tl.constexpr
):
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    columns = tl.arange(0, COLUMNS)
    base = weight + rows.to(tl.int64)[:, None] * inner + columns[None, :]
    weights = tl.load(base)
    if OVERLAP:
        gdc_wait()
        gdc_launch_dependents()
    summed = weights.to(tl.float32) * tl.load(x + columns).to(tl.float32)[None, :]
    for start in range(COLUMNS, inner, COLUMNS):
        values = tl.load(x + start + columns).to(tl.float32)
        summed += tl.load(base + start).to(tl.float32) * values[None, :]
    tl.store(out + rows, tl.sum(summed, 1).to(out.dtype.element_ty))


def supports(weight: Tensor) -> bool:
    """Whether the matrix (outer, inner) can be read in whole tiles."""
    outer, inner = weight.shape
    return outer % ROWS == 0 and inner % COLUMNS == 0 and weight.is_contiguous()


def linear_row_gpu(x: Tensor, weight: Tensor) -> Tensor:
    """As `x @ weight.T` for one row, summed in float32.

    Args:
        x: (1, inner), contiguous.
        weight: (outer, inner); see `supports`.

    Returns:
        (1, outer) in the row's dtype.
    """
    outer, inner = weight.shape
    out = torch.empty(1, outer, dtype=x.dtype, device=x.device)
    overlap = can_overlap(x.device)
    _row_kernel[(outer // ROWS,)](
        x, weight, out, inner, ROWS=ROWS, COLUMNS=COLUMNS, OVERLAP=overlap,
        num_warps=8, num_stages=2, launch_pdl=overlap,
    )  # fmt: skip
    return out
