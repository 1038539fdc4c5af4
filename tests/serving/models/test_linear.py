import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, quants

from regard.serving.kernels import native
from regard.serving.models.forward_batch import AdapterRows
from regard.serving.models.linear import Linear
from regard.serving.models.lora import LoraAdapter
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.quantised import QuantisedTensor


def quantised(kind: str, rows: int, columns: int = 64) -> QuantisedTensor:
    data = np.random.default_rng(rows).standard_normal((rows, columns), np.float32)
    raw = quants.quantize(data, GGMLQuantizationType[kind.upper()])
    return QuantisedTensor(kind, torch.from_numpy(raw), (rows, columns))


@pytest.fixture(params=[True, False], ids=["native", "torch"])
def kernels(request, monkeypatch):
    """Both implementations."""
    if not request.param:
        monkeypatch.setattr(native, "is_available", lambda: False)
    elif not native.is_available():
        pytest.skip(f"no native kernels: {native.why_unavailable()}")


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("mode", ["exact", "fast"])
@pytest.mark.parametrize(
    "kinds", [("q4_1", "q4_1"), ("q8_0", "q8_0"), ("q4_1", "q8_0"), ("q4_0", "q4_0")]
)
def test_stacked_matrices_give_their_outputs_side_by_side(mode, kinds):
    tensors = [quantised(kind, rows) for kind, rows in zip(kinds, (20, 7), strict=True)]
    linear = Linear(
        [(f"m{i}.weight", tensor) for i, tensor in enumerate(tensors)],
        choose_numerics(mode, "cpu", "auto"),
    )
    assert [(p.name, p.start, p.end) for p in linear.parts] == [("m0", 0, 20), ("m1", 20, 27)]
    x = torch.randn(5, 64)
    exact = torch.cat([x.double() @ t.dequantise().double().T for t in tensors], dim=1)
    assert ((linear(x) - exact).norm() / exact.norm()).item() < 2e-4


@pytest.mark.usefixtures("kernels")
def test_a_bias_is_added():
    weight, bias = torch.randn(6, 32), torch.randn(6)
    linear = Linear([("m.weight", weight)], choose_numerics("exact", "cpu", "auto"), bias)
    x = torch.randn(3, 32)
    assert torch.allclose(linear(x), x @ weight.T + bias, atol=1e-4)


@pytest.mark.usefixtures("kernels")
def test_an_adapter_touches_its_rows_and_its_part_alone():
    weights = [("a.weight", torch.randn(4, 32)), ("b.weight", torch.randn(5, 32))]
    linear = Linear(weights, choose_numerics("exact", "cpu", "auto"))
    down, up = torch.randn(2, 32), torch.randn(5, 2)
    adapter = LoraAdapter("x", 0.5, {"b": (down, up)})
    x = torch.randn(4, 32)
    plain = linear(x)
    adapted = linear(x, [AdapterRows(adapter, torch.tensor([1, 3]))])
    assert torch.equal(adapted[[0, 2]], plain[[0, 2]])
    assert torch.equal(adapted[:, :4], plain[:, :4])
    expected = plain[[1, 3], 4:] + 0.5 * (x[[1, 3]] @ down.T) @ up.T
    assert torch.allclose(adapted[[1, 3], 4:], expected, atol=1e-4)
