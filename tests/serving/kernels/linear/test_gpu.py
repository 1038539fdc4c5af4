import pytest
import torch

from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu"]


@pytest.mark.gpu
@pytest.mark.parametrize("shape", [(6144, 4096), (4096, 14336), (2, 2048)], ids=str)
def test_one_row_agrees_with_float64(shape, gpu):
    from regard.serving.kernels.linear.gpu import linear_row_gpu, supports

    torch.manual_seed(0)
    weight = torch.randn(shape, device=gpu).bfloat16()
    x = torch.randn(1, shape[1], device=gpu).bfloat16()
    assert supports(weight)
    assert relative_error(linear_row_gpu(x, weight), x.double() @ weight.double().T) < 4e-3


@pytest.mark.gpu
def test_matrices_of_other_widths_are_left_to_the_library(gpu):
    from regard.serving.kernels.linear.gpu import supports

    assert not supports(torch.zeros(4, 576, device=gpu))
    assert not supports(torch.zeros(3, 2048, device=gpu))
