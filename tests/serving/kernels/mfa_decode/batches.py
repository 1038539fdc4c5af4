"""Random batches for the tests and the benchmark of MFA decode."""

from collections.abc import Sequence

import torch
from torch import Tensor

PAGE_SIZE = 64


class Batch:
    """Shuffled pages of normal data; slots that hold no token are full of large values."""

    def __init__(
        self, lengths: Sequence[int], dtype: torch.dtype, device: torch.device, seed: int = 0
    ) -> None:
        generator = torch.Generator(device=device).manual_seed(seed)
        self.lengths = torch.tensor(lengths, dtype=torch.int32, device=device)
        self.scale = 256**-0.5
        self.k_scale = self.v_scale = 5 / 448 if dtype == torch.float8_e4m3fn else 1.0
        used = [-(-length // PAGE_SIZE) for length in lengths]
        self.block_table = torch.zeros(len(used), max(used), dtype=torch.int32, device=device)
        order = torch.randperm(sum(used), generator=generator, device=device).int()
        for line, pages in zip(self.block_table, order.split(used), strict=True):
            line[: len(pages)] = pages
        shape = (sum(used), 2, PAGE_SIZE, 256)
        self.cache = torch.empty(shape, dtype=dtype, device=device)
        for pages in self.cache.split(1024):
            normal = torch.randn(pages.shape, generator=generator, device=device)
            pages.copy_((normal / self.k_scale).clamp(-448, 448))
        for line, count, length in zip(self.block_table, used, lengths, strict=True):
            self.cache[line[count - 1].item(), :, length - (count - 1) * PAGE_SIZE :] = 448
        queries = torch.randn(len(used), 64, 256, generator=generator, device=device)
        self.queries = queries.to(torch.bfloat16)

    @property
    def factors(self) -> dict[str, float]:
        """The scaling arguments."""
        return {"scale": self.scale, "k_scale": self.k_scale, "v_scale": self.v_scale}

    @property
    def num_bytes(self) -> int:
        """Bytes of all keys and values."""
        return int(self.lengths.sum()) * 512 * self.cache.element_size()


def relative_error(out: Tensor, expected: Tensor) -> float:
    """||out - expected|| / ||expected||; NaN where `out` has one."""
    return float((out.double() - expected).norm() / expected.norm())
