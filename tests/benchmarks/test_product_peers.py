"""DeepGEMM gets our operands in its layout, on as many multiprocessors as it may use."""

import sys
from types import SimpleNamespace

import pytest
import torch

from benchmarks.serving import product_peers
from benchmarks.serving.product_peers import DeepGemm
from regard.serving.kernels.block_scaled.launch import Rows
from tests.serving.kernels.block_scaled.operands import Draw


@pytest.fixture
def calls(monkeypatch):
    """What the library is asked for, in order."""
    found = []

    def record(name):
        return lambda *arguments: found.append((name, *arguments))

    names = ("set_num_sms", "fp8_gemm_nt", "fp8_m_grouped_gemm_nt_masked")
    library = SimpleNamespace(**{name: record(name) for name in names})
    monkeypatch.setitem(sys.modules, "deep_gemm", library)
    properties = SimpleNamespace(multi_processor_count=132)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    return found


def test_a_product_takes_scales_row_by_row(calls):
    draw = Draw("cpu")
    x, weight = draw.rows(8, 256), draw.weight(512, 256)
    out = product_peers.deep_gemm_product(x, weight)
    (limit, (name, (values, scales), (_, weight_scales), written)) = calls
    assert (limit, name) == (("set_num_sms", 132), "fp8_gemm_nt")
    assert values.shape == (8, 256)
    assert scales.shape == (8, 2)
    assert weight_scales.shape == (4, 2)
    assert written is out
    assert (out.shape, out.dtype) == ((8, 512), torch.bfloat16)


def test_experts_are_told_apart_and_the_rest_of_a_stack_is_left_out(calls):
    draw = Draw("cpu")
    x, stack = draw.rows(3 * 4, 256), draw.weight(3 * 128 + 256, 256)
    scales = torch.zeros(3, 2, 4)
    counts, out = torch.tensor([4, 0, 2]), torch.zeros(3, 4, 128)
    DeepGemm(torch.device("cpu"), 6).grouped(Rows(x.values, scales), stack, out, counts, 2)
    limit, (_, (values, x_scales), (weights, weight_scales), written, given, expected) = calls
    assert limit == ("set_num_sms", 126)
    assert (values.shape, x_scales.shape) == ((3, 4, 256), (3, 4, 2))
    assert (weights.shape, weight_scales.shape) == ((3, 128, 256), (3, 1, 2))
    assert written is out
    assert given is counts
    assert expected == 2
