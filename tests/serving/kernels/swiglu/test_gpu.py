import pytest
import torch

from regard.serving.kernels.swiglu.reference import swiglu_reference
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu"]


@pytest.mark.gpu
@pytest.mark.parametrize(("rows", "size"), [(1, 14336), (3, 7), (128, 1024), (0, 64)])
def test_agrees_with_float64(rows, size, gpu):
    from regard.serving.kernels.swiglu.gpu import swiglu_gpu

    torch.manual_seed(size)
    gate_up = (torch.randn(rows, 2 * size, device=gpu) * 8).bfloat16()
    found = swiglu_gpu(gate_up)
    assert found.shape == (rows, size)
    if rows:
        assert relative_error(found, swiglu_reference(gate_up.double())) < 3e-3
