import pytest
import torch

from regard.serving.kernels.rms_norm.reference import rms_norm_reference
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu"]


@pytest.mark.gpu
@pytest.mark.parametrize(("rows", "size"), [(1, 4096), (3, 576), (130, 33), (0, 64)])
def test_agrees_with_float64(rows, size, gpu):
    from regard.serving.kernels.rms_norm.gpu import rms_norm_gpu

    torch.manual_seed(size)
    x = (torch.randn(rows, 2 * size, device=gpu) * 10).bfloat16()[:, :size]
    weight = torch.randn(size, device=gpu).bfloat16()
    found = rms_norm_gpu(x, weight, 1e-5)
    assert found.shape == x.shape
    if rows:
        exact = rms_norm_reference(x.double(), weight.double(), 1e-5)
        assert relative_error(found, exact) < 3e-3
