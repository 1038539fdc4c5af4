import pytest
import torch

from regard.serving.kernels.linear.packing import pack_dense, pack_q4_1, pack_q8_0


@pytest.mark.parametrize("out_features", [1, 16, 31])
def test_rows_are_padded_to_whole_panels(out_features):
    packed = pack_dense(torch.ones(out_features, 8))
    assert packed.padded_out_features % 16 == 0
    assert packed.data.numel() == packed.padded_out_features * 8 * 4


@pytest.mark.parametrize(("pack", "bytes_per_block"), [(pack_q4_1, 20), (pack_q8_0, 34)])
def test_quantised_layouts_keep_the_size_of_the_file(pack, bytes_per_block):
    raw = torch.randint(0, 256, (32, 3 * bytes_per_block), dtype=torch.uint8)
    assert pack(raw, 96).data.numel() == raw.numel()
