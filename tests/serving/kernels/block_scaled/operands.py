import torch

from regard.serving.kernels.block_scaled.launch import Rows, Weight
from regard.serving.kernels.block_scaled.reference import quantise_rows


class Draw:
    """Random operands of one test."""

    def __init__(self, device, seed=0):
        self.device = torch.device(device)
        self.generator = torch.Generator(device=self.device).manual_seed(seed)

    def normal(self, *shape):
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def uniform(self, *shape):
        return torch.rand(*shape, generator=self.generator, device=self.device)

    def weight(self, outer, inner):
        values = (self.normal(outer, inner) * 100).clamp(-448, 448).to(torch.float8_e4m3fn)
        return Weight(values, self.uniform(-(-outer // 128), inner // 128) * 1e-3 + 1e-4)

    def rows(self, count, columns):
        """Quantised; the rows of their scales are padded to 16 bytes, as the copy engine asks."""
        values, scales = quantise_rows(self.normal(count, columns))
        padded = torch.zeros(len(scales), -(-count // 4) * 4, device=self.device)
        padded[:, :count] = scales
        return Rows(values, padded[:, :count])

    def angles(self, count):
        theta = self.uniform(count, 128) * 6
        return theta.cos(), theta.sin()


def nan(shape, device, dtype=torch.float32):
    return torch.full(shape, torch.nan, device=device).to(dtype)
