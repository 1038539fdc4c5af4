import numpy as np
import torch
from gguf import GGMLQuantizationType, quants

from regard.serving.models.quantised import (
    QuantisedTensor,
    column_step,
    dense,
    take_columns,
    take_rows,
)


def test_rows_and_whole_are_what_the_gguf_package_says():
    data = np.random.default_rng(0).standard_normal((6, 64), np.float32)
    raw = quants.quantize(data, GGMLQuantizationType.Q4_1)
    tensor = QuantisedTensor("q4_1", torch.from_numpy(raw), (6, 64))
    whole = torch.from_numpy(quants.dequantize(raw, GGMLQuantizationType.Q4_1))
    assert torch.equal(tensor.dequantise(), whole)
    assert torch.equal(dense(tensor), whole)
    assert torch.equal(tensor.dequantise_rows(torch.tensor([5, 0, 5])), whole[[5, 0, 5]])


def test_a_plain_tensor_is_dense_already():
    plain = torch.ones(2, 2, dtype=torch.bfloat16)
    assert dense(plain) is plain


def test_rows_and_columns_of_a_quantised_matrix_are_those_of_the_whole():
    values = np.random.default_rng(0).standard_normal((6, 96)).astype(np.float32)
    raw = torch.from_numpy(quants.quantize(values, GGMLQuantizationType.Q8_0))
    tensor = QuantisedTensor("q8_0", raw, (6, 96))
    whole = tensor.dequantise()
    assert column_step(tensor) == 32
    rows = take_rows(tensor, slice(2, 5))
    columns = take_columns(tensor, slice(32, 96))
    assert rows.shape == (3, 96)
    assert columns.shape == (6, 64)
    assert torch.equal(dense(rows), whole[2:5])
    assert torch.equal(dense(columns), whole[:, 32:])


def test_a_dense_matrix_is_cut_anywhere():
    tensor = torch.arange(12.0).view(3, 4)
    assert column_step(tensor) == 1
    assert torch.equal(take_rows(tensor, slice(1, 2)), tensor[1:2])
    assert torch.equal(take_columns(tensor, slice(1, 3)), tensor[:, 1:3])
