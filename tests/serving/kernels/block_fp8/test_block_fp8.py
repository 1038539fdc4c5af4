import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.serving.kernels import native
from regard.serving.kernels.block_fp8 import BLOCK
from regard.serving.kernels.block_fp8.cpu import dequantise_cpu, quantise_cpu
from regard.serving.kernels.block_fp8.reference import dequantise_reference, quantise_reference

pytestmark = pytest.mark.skipif(not native.is_available(), reason="no C kernels here")


def outputs(rows, columns):
    values = torch.full((rows, columns), 0xFF, dtype=torch.uint8).view(torch.float8_e4m3fn)
    return values, torch.full((rows, -(-columns // BLOCK)), torch.nan)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 400),
    power=st.integers(-20, 20),
    seed=st.integers(0, 999),
)
def test_c_and_torch_give_the_same_bytes(rows, columns, power, seed):
    generator = torch.Generator().manual_seed(seed)
    spread = torch.randn(rows, columns, generator=generator) * 3
    x = torch.randn(rows, columns, generator=generator) * spread.exp2() * 2.0**power
    expected, got = outputs(rows, columns), outputs(rows, columns)
    quantise_reference(x, *expected)
    quantise_cpu(x, *got)
    assert torch.equal(got[1], expected[1])
    assert torch.equal(got[0].view(torch.uint8), expected[0].view(torch.uint8))
    assert torch.equal(dequantise_cpu(*got), dequantise_reference(*expected))


def test_every_code_and_every_half_between_two_is_rounded_as_torch_does():
    codes = torch.arange(127, dtype=torch.int16).to(torch.uint8).view(torch.float8_e4m3fn).float()
    between = (codes[1:] + codes[:-1]) / 2
    points = torch.cat([codes, between, between * (1 + 2**-20), between * (1 - 2**-20)])
    # 448 in each block makes its scale 1.
    x = torch.zeros(len(points), BLOCK)
    x[:, 0], x[:, 1], x[:, 2] = 448.0, points, -points
    expected, got = outputs(*x.shape), outputs(*x.shape)
    quantise_reference(x, *expected)
    quantise_cpu(x, *got)
    assert torch.equal(got[0].view(torch.uint8), expected[0].view(torch.uint8))


def test_zeros_stay_zeros():
    values, scales = outputs(2, 130)
    quantise_cpu(torch.zeros(2, 130), values, scales)
    assert torch.equal(dequantise_cpu(values, scales), torch.zeros(2, 130))
