import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, quants

from regard.serving.kernels import native
from regard.serving.models.layers import Embedding, RMSNorm, SwiGLU
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.quantised import QuantisedTensor


@pytest.fixture(params=[True, False], ids=["native", "torch"])
def numerics(request, monkeypatch):
    """Both implementations."""
    if not request.param:
        monkeypatch.setattr(native, "is_available", lambda: False)
    return choose_numerics("fast", "cpu", "auto")


def test_rms_norm_divides_by_the_root_mean_square(numerics):
    weight = torch.rand(40) + 0.5
    x = torch.randn(3, 40) * 7
    expected = x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weight
    assert torch.allclose(RMSNorm(weight, 1e-5, numerics)(x), expected, rtol=1e-5, atol=1e-6)


def test_swiglu_gates_the_second_half_by_the_first(numerics):
    x = torch.randn(3, 20)
    gate, up = x[:, :10], x[:, 10:]
    assert torch.allclose(
        SwiGLU(numerics)(x), gate * torch.sigmoid(gate) * up, rtol=1e-5, atol=1e-6
    )


def test_an_embedding_gives_its_rows_whatever_they_are_kept_in(numerics):
    table = torch.randn(10, 64)
    ids = torch.tensor([3, 3, 9])
    assert torch.equal(Embedding(table, numerics)(ids), table[ids])
    raw = quants.quantize(table.numpy(), GGMLQuantizationType.Q8_0)
    kept = QuantisedTensor("q8_0", torch.from_numpy(np.array(raw)), (10, 64))
    assert torch.equal(Embedding(kept, numerics)(ids), kept.dequantise()[ids])
    half = table.bfloat16()
    assert torch.equal(Embedding(half, numerics)(ids), half[ids].float())
