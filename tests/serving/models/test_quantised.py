import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, quants

from regard.serving.models.block_fp8 import BlockFp8Tensor
from regard.serving.models.quantised import (
    QuantisedTensor,
    cut_step,
    dense,
    take_columns,
    take_expert,
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
    assert cut_step(tensor) == 32
    rows = take_rows(tensor, slice(2, 5))
    columns = take_columns(tensor, slice(32, 96))
    assert rows.shape == (3, 96)
    assert columns.shape == (6, 64)
    assert torch.equal(dense(rows), whole[2:5])
    assert torch.equal(dense(columns), whole[:, 32:])


def test_a_dense_matrix_is_cut_anywhere():
    tensor = torch.arange(12.0).view(3, 4)
    assert cut_step(tensor) == 1
    assert torch.equal(take_rows(tensor, slice(1, 2)), tensor[1:2])
    assert torch.equal(take_columns(tensor, slice(1, 3)), tensor[:, 1:3])


def fp8_stack():
    values = torch.randn(2, 256, 200).to(torch.float8_e4m3fn)
    return BlockFp8Tensor(values, torch.rand(2, 2, 2), (128, 128))


def test_experts_rows_and_columns_of_an_fp8_stack_are_those_of_the_whole():
    stack = fp8_stack()
    whole = stack.dequantise()
    expert = take_expert(stack, 1)
    assert cut_step(expert) == 128
    assert torch.equal(dense(expert), whole[1])
    assert torch.equal(dense(take_rows(expert, slice(128, 256))), whole[1, 128:])
    assert torch.equal(dense(take_columns(expert, slice(128, 200))), whole[1, :, 128:])


def test_an_expert_of_a_plain_stack_is_a_view():
    stack = torch.randn(3, 4, 5)
    assert take_expert(stack, 2).data_ptr() == stack[2].data_ptr()


def test_a_gguf_matrix_is_no_stack():
    tensor = QuantisedTensor("q8_0", torch.zeros(2, 34, dtype=torch.uint8), (2, 32))
    with pytest.raises(TypeError, match="no stack"):
        take_expert(tensor, 0)
