import torch

from regard.serving.kernels.block_scaled.reference import dequantise_rows
from regard.serving.kernels.norm_quantise.reference import sum_norm_quantise_reference
from tests.serving.kernels.devices import relative_error


def operands(seed=0):
    generator = torch.Generator().manual_seed(seed)
    residual = torch.randn(4, 256, generator=generator)
    parts = torch.randn(3, 4, 256, generator=generator).bfloat16()
    return residual, parts, torch.rand(256, generator=generator) + 0.5


def test_rows_agree_with_float64():
    residual, parts, weight = operands()
    kept = residual.clone()
    new, normed, values, scales = sum_norm_quantise_reference(residual, parts, weight, 1e-3)
    total = residual.double() + parts.double().sum(0)
    expected = torch.stack([row / ((row @ row) / 256 + 1e-3) ** 0.5 for row in total])
    expected *= weight.double()
    assert relative_error(new, total) < 1e-6
    assert relative_error(normed, expected) < 1e-6
    assert relative_error(dequantise_rows(values, scales), expected) < 4e-2
    assert torch.equal(residual, kept)


def test_the_epsilon_counts_for_small_rows():
    residual, parts, weight = operands(1)
    new, normed, *_ = sum_norm_quantise_reference(residual * 1e-3, parts * 0, weight, 1e-6)
    assert relative_error(normed, new * weight / (new.square().mean(1, True) ** 0.5)) > 0.1


def test_without_parts_the_residual_stays():
    residual, parts, weight = operands(2)
    new, *_ = sum_norm_quantise_reference(residual, parts[:0], weight, 1e-5)
    assert torch.equal(new, residual)
