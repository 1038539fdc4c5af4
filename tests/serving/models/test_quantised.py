import numpy as np
import torch
from gguf import GGMLQuantizationType, quants

from regard.serving.models.quantised import QuantisedTensor, dense


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
