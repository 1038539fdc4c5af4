import torch

from tests.serving.kernels.block_scaled.operands import Draw


class Step:
    """Random input of one append: sums in parts, shuffled pages, a cache that is not empty."""

    eps, k_scale, v_scale = 1e-5, 0.02, 0.03

    def __init__(self, device, rows, *, latent, positions=None, num_parts=4):
        draw = Draw(device, rows)
        self.parts = draw.normal(num_parts, rows, latent + 512)
        self.weight = draw.uniform(latent) + 0.5
        self.cos, self.sin = draw.angles(rows)
        if positions is None:
            positions = [row * 5 % 190 for row in range(rows)]
        self.positions = torch.tensor(positions, dtype=torch.int32, device=draw.device)
        pages = torch.randperm(rows * 3 + 2, generator=draw.generator, device=draw.device)
        self.table = pages[: rows * 3].view(rows, 3).int()
        cache = draw.normal(len(pages), 2, 64, 256) * 30
        self.cache = cache.to(torch.float8_e4m3fn)

    def run(self, operator, cache, **outputs):
        return operator(
            self.parts,
            self.weight,
            self.eps,
            self.cos,
            self.sin,
            self.positions,
            self.table,
            cache,
            k_scale=self.k_scale,
            v_scale=self.v_scale,
            **outputs,
        )
