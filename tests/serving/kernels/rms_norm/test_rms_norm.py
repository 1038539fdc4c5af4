import pytest
import torch

from regard.serving.kernels import native
from regard.serving.kernels.rms_norm.cpu import rms_norm
from regard.serving.kernels.rms_norm.reference import rms_norm_reference

pytestmark = pytest.mark.skipif(
    not native.is_available(), reason=f"no native kernels: {native.why_unavailable()}"
)


@pytest.mark.parametrize(("rows", "size"), [(1, 576), (3, 64), (17, 33), (2, 5)])
def test_agrees_with_float64(rows, size):
    torch.manual_seed(size)
    x, weight = torch.randn(rows, size) * 10, torch.randn(size)
    exact = rms_norm_reference(x.double(), weight.double(), 1e-5)
    assert torch.allclose(rms_norm(x, weight, 1e-5).double(), exact, rtol=1e-5, atol=1e-6)


def test_reads_rows_inside_wider_ones():
    x, weight = torch.randn(4, 96), torch.randn(64)
    assert torch.equal(rms_norm(x[:, :64], weight, 1e-5), rms_norm(x[:, :64].clone(), weight, 1e-5))


def test_eps_keeps_a_zero_row_finite():
    assert torch.equal(rms_norm(torch.zeros(1, 40), torch.ones(40), 1e-5), torch.zeros(1, 40))
