import pytest
import torch

from benchmarks.serving.slice import tensors
from benchmarks.serving.slice.tensors import empty_rows, fill_normal, random_weight
from regard.serving.kernels.block_scaled.reference import dequantise_weight

CPU = torch.device("cpu")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_piece_is_filled_with_values_of_its_own(monkeypatch):
    monkeypatch.setattr(tensors, "CHUNK", 1 << 12)
    out = torch.full((40, 500), torch.nan).to(torch.float8_e4m3fn)
    fill_normal(out, generator(), 64.0)
    pieces = out.float().view(-1).split(1 << 12)
    assert all(float(piece.std()) == pytest.approx(64, rel=0.1) for piece in pieces)
    assert not torch.equal(pieces[0], pieces[1])


@pytest.mark.parametrize("gain", [1.0, 0.2])
def test_products_with_unit_rows_have_the_deviation_asked_for(gain):
    weight = random_weight(256, 1024, generator(), CPU, gain)
    assert (weight.values.shape, weight.scales.shape) == ((256, 1024), (2, 8))
    x = torch.randn(64, 1024, generator=generator(1))
    product = x @ dequantise_weight(weight.values, weight.scales).T
    assert float(product.std()) == pytest.approx(gain, rel=0.1)


def test_blocks_have_scales_of_their_own():
    weight = random_weight(256, 1024, generator(), CPU)
    assert len(weight.scales.unique()) == 16


def test_rows_that_nobody_wrote_are_zero():
    rows = empty_rows(12, 256, CPU)
    assert (rows.values.shape, rows.scales.shape) == ((12, 256), (2, 12))
    assert not rows.values.float().any()
    assert not rows.scales.any()
