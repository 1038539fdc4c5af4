import pytest
import torch

from regard.serving.kernels.block_scaled.reference import dequantise_rows, quantise_rows
from regard.serving.kernels.norm_quantise.reference import sum_norm_quantise_reference
from tests.serving.kernels.block_scaled.operands import Draw, nan
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu"]

FP8 = torch.float8_e4m3fn
SHAPES = [(1, 128), (5, 384), (33, 2048), (160, 7168)]
# A last bit more or less in float32 may move a value that stands between two of e4m3.
ROUNDING = 5e-3


def outputs(rows, size, device):
    return nan((rows, size), device, FP8), nan((size // 128, rows), device)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("rows", "size"), SHAPES)
def test_sum_norm_and_rounding_agree_with_the_reference(rows, size, dtype, gpu):
    from regard.serving.kernels.norm_quantise.gpu import sum_norm_quantise_gpu

    draw = Draw(gpu, rows)
    residual, parts = draw.normal(rows, size), draw.normal(3, rows, size).to(dtype)
    weight, before = draw.uniform(size) + 0.5, residual.clone()
    expected, expected_normed, *quantised = sum_norm_quantise_reference(
        residual, parts, weight, 1e-5
    )
    (values, scales), normed = outputs(rows, size, gpu), nan((rows, size), gpu, torch.bfloat16)
    sum_norm_quantise_gpu(residual, parts, weight, 1e-5, out=values, scales=scales, normed=normed)
    assert relative_error(residual, expected) < 1e-6
    assert relative_error(normed, expected_normed) < 3e-3
    assert relative_error(dequantise_rows(values, scales), dequantise_rows(*quantised)) < ROUNDING
    # A part less, it would not agree.
    fewer, *_ = sum_norm_quantise_reference(before, parts[:2], weight, 1e-5)
    assert relative_error(residual, fewer) > 0.1


@pytest.mark.gpu
def test_without_parts_the_residual_is_not_written(gpu):
    from regard.serving.kernels.norm_quantise.gpu import sum_norm_quantise_gpu

    draw = Draw(gpu)
    residual, weight = draw.normal(7, 640), draw.uniform(640)
    kept = residual.clone()
    values, scales = outputs(7, 640, gpu)
    sum_norm_quantise_gpu(residual, None, weight, 1e-5, out=values, scales=scales)
    assert torch.equal(residual, kept)
    none = draw.normal(0, 7, 640)
    *_, expected, expected_scales = sum_norm_quantise_reference(residual, none, weight, 1e-5)
    wide = dequantise_rows(expected, expected_scales)
    assert relative_error(dequantise_rows(values, scales), wide) < ROUNDING


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("rows", "size"), [(1, 2048), (5, 4096), (131, 16384)])
def test_rows_are_quantised_as_by_the_reference(rows, size, dtype, gpu):
    from regard.serving.kernels.norm_quantise.gpu import quantise_gpu

    x = (Draw(gpu, rows).normal(rows, size) * 3).to(dtype)
    x[0, 128:256] = 0
    values, scales = outputs(rows, size, gpu)
    quantise_gpu(x, out=values, scales=scales)
    expected, expected_scales = quantise_rows(x)
    torch.testing.assert_close(scales, expected_scales, rtol=1e-6, atol=0)
    # Values of bfloat16 often stand right between two of e4m3: either is as near.
    nearest = relative_error(dequantise_rows(expected, expected_scales), x)
    assert relative_error(dequantise_rows(values, scales), x) < 1.001 * nearest
    assert not values[0, 128:256].float().any()
