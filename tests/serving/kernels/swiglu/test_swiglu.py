import pytest
import torch

from regard.serving.kernels import native
from regard.serving.kernels.swiglu.cpu import swiglu
from regard.serving.kernels.swiglu.reference import swiglu_reference

pytestmark = pytest.mark.skipif(
    not native.is_available(), reason=f"no native kernels: {native.why_unavailable()}"
)


@pytest.mark.parametrize(("rows", "size"), [(1, 1536), (3, 7), (40, 512), (2, 9)])
def test_agrees_with_float64(rows, size):
    torch.manual_seed(size)
    gate_up = torch.randn(rows, 2 * size) * 8
    exact = swiglu_reference(gate_up.double())
    assert torch.allclose(swiglu(gate_up).double(), exact, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("gate", [-1e30, -200.0, -88.0, 0.0, 88.0, 200.0, 1e30])
def test_extreme_gates_stay_finite(gate):
    gate_up = torch.tensor([[gate] * 8 + [1.0] * 8])
    out = swiglu(gate_up)
    assert torch.isfinite(out).all()
    assert torch.allclose(out, swiglu_reference(gate_up), rtol=1e-5, atol=1e-8)
