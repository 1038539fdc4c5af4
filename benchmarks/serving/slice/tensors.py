"""Random operands in the checkpoint's formats."""

import torch
from torch import Tensor

from regard.serving.kernels.block_scaled.launch import Rows, Weight

SPREAD = 64.0
"""Standard deviation of the e4m3 values."""
CHUNK = 1 << 26


def fill_normal(out: Tensor, generator: torch.Generator, deviation: float) -> None:
    """Fills an e4m3 tensor with normal values."""
    for part in out.view(-1).split(CHUNK):
        normal = torch.randn(part.shape, generator=generator, device=out.device)
        part.copy_((normal * deviation).clamp_(-448, 448))


def random_weight(
    outer: int, inner: int, generator: torch.Generator, device: torch.device, gain: float = 1.0
) -> Weight:
    """A weight whose products with unit rows have deviation `gain`."""
    values = torch.empty(outer, inner, dtype=torch.float8_e4m3fn, device=device)
    fill_normal(values, generator, SPREAD)
    shape = (outer // 128, inner // 128)
    spread = torch.rand(shape, generator=generator, device=device) * 0.4 + 0.8
    return Weight(values, spread * (gain / SPREAD / inner**0.5))


def empty_rows(num_rows: int, columns: int, device: torch.device) -> Rows:
    """Room for quantised rows; zeros, since what is not written may be read."""
    values = torch.zeros(num_rows, columns, device=device).to(torch.float8_e4m3fn)
    return Rows(values, torch.zeros(columns // 128, num_rows, device=device))
