import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.errors import WeightsError
from regard.serving.models.block_fp8 import BlockFp8Tensor, fp8_block, scale_shape

BLOCK = (128, 128)


def tensor(*shape, block=BLOCK, seed=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator).to(torch.float8_e4m3fn)
    scales = torch.rand(scale_shape(shape, block), generator=generator) + 0.01
    return BlockFp8Tensor(values, scales, block)


def formula(fp8):
    """Element by element in float64, from the definition."""
    values, out = fp8.values.double(), torch.empty(fp8.shape, dtype=torch.float64)
    for row in range(fp8.shape[-2]):
        for column in range(fp8.shape[-1]):
            scale = fp8.scales[..., row // fp8.block[0], column // fp8.block[1]].double()
            out[..., row, column] = values[..., row, column] * scale
    return out


@pytest.mark.parametrize("shape", [(128, 256), (130, 7), (1, 129), (3, 40, 150)])
def test_each_value_is_multiplied_by_its_blocks_scale(shape):
    fp8 = tensor(*shape)
    assert torch.equal(fp8.dequantise(), formula(fp8).float())


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), block=st.sampled_from([(4, 8), (8, 4)]))
def test_blocks_need_not_be_square_nor_whole(rows, columns, block):
    fp8 = tensor(rows, columns, block=block)
    assert fp8.scales.shape == (-(-rows // block[0]), -(-columns // block[1]))
    assert torch.equal(fp8.dequantise(), formula(fp8).float())


@pytest.mark.parametrize("span", [slice(0, 128), slice(128, 300), slice(256, 300), slice(128, 200)])
def test_rows_and_columns_keep_their_scales(span):
    fp8 = tensor(300, 300)
    assert torch.equal(fp8.rows(span).dequantise(), fp8.dequantise()[span])
    assert torch.equal(fp8.columns(span).dequantise(), fp8.dequantise()[:, span])


def test_an_expert_is_cut_out_with_its_scales():
    stack = tensor(3, 200, 140)
    expert = stack.expert(2)
    assert expert.shape == (200, 140)
    assert torch.equal(expert.dequantise(), stack.dequantise()[2])


def test_a_cut_inside_a_block_is_refused():
    with pytest.raises(ValueError, match="a cut at 64 parts a block of 128"):
        tensor(256, 256).rows(slice(64, 256))
    with pytest.raises(ValueError, match="a cut at 1 parts"):
        tensor(256, 256).columns(slice(1, 128))


def test_the_block_is_read_from_the_configuration(tmp_path):
    options = {"quant_method": "fp8", "weight_block_size": [128, 64], "fmt": "e4m3"}
    assert fp8_block({"quantization_config": options}, tmp_path) == (128, 64)
    assert fp8_block({"text_config": {"quantization_config": options}}, tmp_path) == (128, 64)
    assert fp8_block({}, tmp_path) is None


@pytest.mark.parametrize(
    "options",
    [
        {"quant_method": "awq", "weight_block_size": [128, 128]},
        {"quant_method": "fp8"},
        {"quant_method": "fp8", "weight_block_size": [128]},
        {"quant_method": "fp8", "weight_block_size": [128, 0]},
    ],
)
def test_another_quantisation_is_refused_by_name(tmp_path, options):
    with pytest.raises(WeightsError, match=f"quant_method '{options['quant_method']}'.*supported"):
        fp8_block({"quantization_config": options}, tmp_path / "config.json")
