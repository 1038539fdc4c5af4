import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, quants

from regard.serving.kernels import native
from regard.serving.kernels.linear.cpu import CpuLinear
from regard.serving.kernels.linear.packing import PACKERS, PackedWeight, pack_dense

pytestmark = pytest.mark.skipif(
    not native.is_available(), reason=f"no native kernels: {native.why_unavailable()}"
)
KINDS = ["float32", "bfloat16", "q4_1", "q8_0"]
# Activations beside quantised weights are rounded to 16 bits per block of 32.
BOUNDS = {"float32": 2e-6, "bfloat16": 2e-6, "q4_1": 2e-4, "q8_0": 1e-4}


def packed(kind: str, out_features: int, in_features: int) -> tuple[PackedWeight, torch.Tensor]:
    """A random weight in the kernel's layout, and the same in float64."""
    weight = torch.randn(out_features, in_features)
    if kind in PACKERS:
        quantisation = GGMLQuantizationType[kind.upper()]
        raw = quants.quantize(weight.numpy(), quantisation)
        exact = torch.from_numpy(np.array(quants.dequantize(raw, quantisation)))
        return PACKERS[kind](torch.from_numpy(raw), in_features), exact.double()
    weight = weight.to(getattr(torch, kind))
    return pack_dense(weight), weight.double()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rows", "out_features", "in_features"),
    [(1, 16, 32), (2, 17, 64), (5, 200, 576), (7, 33, 96), (16, 576, 1536), (65, 48, 160)],
)
def test_agrees_with_float64(kind, rows, out_features, in_features):
    torch.manual_seed(rows)
    weight, exact = packed(kind, out_features, in_features)
    x = torch.randn(rows, in_features)
    reference = x.double() @ exact.T
    y = CpuLinear(weight)(x)
    assert y.shape == (rows, out_features)
    assert ((y - reference).norm() / reference.norm()).item() < BOUNDS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_does_not_depend_on_its_neighbours(kind):
    torch.manual_seed(0)
    weight, _ = packed(kind, 100, 320)
    linear = CpuLinear(weight)
    x = torch.randn(64, 320)
    alone = [linear(x[i : i + 1]) for i in range(64)]
    for rows in range(1, 65):
        assert torch.equal(linear(x[:rows]), torch.cat(alone[:rows])), rows


@pytest.mark.parametrize("kind", ["q4_1", "q8_0"])
def test_an_outlier_does_not_drown_the_other_blocks(kind):
    torch.manual_seed(0)
    weight, exact = packed(kind, 32, 64)
    x = torch.randn(1, 64)
    x[0, 0] = 1e4
    quiet = x.clone()
    quiet[0, :32] = 0
    y = CpuLinear(weight)(quiet)
    reference = quiet.double() @ exact.T
    assert ((y - reference).norm() / reference.norm()).item() < BOUNDS[kind]
    assert torch.isfinite(CpuLinear(weight)(x)).all()


@pytest.mark.parametrize("kind", ["q4_1", "q8_0"])
def test_zero_rows_give_zero(kind):
    weight, _ = packed(kind, 16, 32)
    assert torch.equal(CpuLinear(weight)(torch.zeros(3, 32)), torch.zeros(3, 16))
