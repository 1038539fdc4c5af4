import numpy as np
import pytest
import torch

from regard.serving.kernels.block_scaled.reference import (
    dequantise_rows,
    dequantise_weight,
    fp8_linear_reference,
    gated_linear_reference,
    quantise_rows,
)
from tests.serving.kernels.block_scaled.operands import Draw
from tests.serving.kernels.devices import relative_error


def wide_rows(rows):
    """Number by number, in float64."""
    values, scales = rows.values.float().numpy().astype(np.float64), rows.scales.numpy()
    out = np.empty_like(values)
    for row, column in np.ndindex(*values.shape):
        out[row, column] = values[row, column] * float(scales[column // 128, row])
    return torch.from_numpy(out)


def wide_weight(weight):
    values, scales = weight.values.float().numpy().astype(np.float64), weight.scales.numpy()
    out = np.empty_like(values)
    for row, column in np.ndindex(*values.shape):
        out[row, column] = values[row, column] * float(scales[row // 128, column // 128])
    return torch.from_numpy(out)


def test_each_number_takes_the_scale_of_its_block():
    draw = Draw("cpu")
    rows, weight = draw.rows(5, 384), draw.weight(300, 256)
    assert relative_error(dequantise_rows(rows.values, rows.scales), wide_rows(rows)) < 1e-7
    wide = dequantise_weight(weight.values, weight.scales)
    assert wide.shape == (300, 256)
    assert relative_error(wide, wide_weight(weight)) < 1e-7


def test_linear_layer_agrees_with_float64():
    draw = Draw("cpu", 1)
    rows, weight = draw.rows(3, 384), draw.weight(256, 384)
    found = fp8_linear_reference(rows.values, rows.scales, weight.values, weight.scales)
    assert relative_error(found, wide_rows(rows) @ wide_weight(weight).T) < 1e-6


@pytest.mark.parametrize("operand", ["rows", "weight"])
def test_a_scale_of_another_block_is_noticed(operand):
    draw = Draw("cpu", 2)
    rows, weight = draw.rows(4, 512), draw.weight(256, 512)
    expected = wide_rows(rows) @ wide_weight(weight).T
    scales = {"rows": rows.scales, "weight": weight.scales}[operand]
    scales.copy_(scales.roll(1, dims=1))
    found = fp8_linear_reference(rows.values, rows.scales, weight.values, weight.scales)
    assert relative_error(found, expected) > 5e-3


def test_experts_see_their_own_tokens_and_weights():
    draw = Draw("cpu", 3)
    rows, weight = draw.rows(6, 256), draw.weight(2 * 2 * 128, 256)
    chosen = [torch.tensor([4, 0, 5]), torch.tensor([1])]
    found = gated_linear_reference(rows.values, rows.scales, weight.values, weight.scales, chosen)
    x, w = wide_rows(rows), wide_weight(weight)
    for expert, tokens in enumerate(chosen):
        gate, up = w[256 * expert : 256 * expert + 128], w[256 * expert + 128 : 256 * expert + 256]
        product = x[tokens] @ gate.T
        expected = product / (1 + torch.exp(-product)) * (x[tokens] @ up.T)
        assert relative_error(found[expert], expected) < 1e-5


def test_the_largest_of_each_128_columns_becomes_448():
    x = Draw("cpu", 4).normal(3, 256)
    x[1, :128] = 0
    values, scales = quantise_rows(x)
    assert scales.shape == (2, 3)
    largest = values.float().abs().view(3, 2, 128).amax(dim=2)
    assert largest.tolist() == [[448, 448], [0, 448], [448, 448]]
    # Half a step of e4m3 is a sixteenth of a number, or 2 ** -10 where it is subnormal.
    step = torch.maximum(x.abs() / 16, scales.T.repeat_interleave(128, 1) * 2**-10)
    assert ((dequantise_rows(values, scales) - x).abs() <= step * 1.001).all()
