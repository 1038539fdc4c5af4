import pytest
import torch

from regard.serving.models.build import build_attention, build_feed_forwards
from regard.serving.models.feed_forward import FeedForwardInput
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.weights import random_tensors, tensor_shapes
from tests.serving.tiny import LLAMA, STEP3

EXACT = choose_numerics("exact", "cpu", "auto")


class Recorder(dict):
    """Tensors that remember who asked for which."""

    def __init__(self, tensors):
        super().__init__(tensors)
        self.read = set()

    def __getitem__(self, name):
        # The type checker of the tests looks at the first tensor, which belongs to no layer.
        if name.startswith("model.layers."):
            self.read.add(name)
        return super().__getitem__(name)


@pytest.mark.parametrize("config", [LLAMA, STEP3], ids=["llama", "step3"])
def test_the_two_sides_together_read_every_tensor_of_the_layers_once(config):
    tensors = random_tensors(tensor_shapes(config), seed=0)
    attention, feed_forward = Recorder(tensors), Recorder(tensors)
    assert len(build_attention(config, attention, EXACT)) == config.num_layers
    assert len(build_feed_forwards(config, feed_forward, EXACT)) == config.num_layers
    assert not attention.read & feed_forward.read
    layers = {name for name in tensors if name.startswith("model.layers.")}
    assert attention.read | feed_forward.read == layers
    assert {name for name in layers if "moe.gate.weight" in name} <= attention.read
    assert all("norm" not in name for name in feed_forward.read)


def test_a_feed_forward_is_its_formula():
    tensors = random_tensors(tensor_shapes(LLAMA), seed=0)
    x = torch.randn(5, LLAMA.hidden_size)
    none = torch.empty(5, 0)
    out = build_feed_forwards(LLAMA, tensors, EXACT)[1](FeedForwardInput(x, none.long(), none))
    gate, up, down = (
        tensors[f"model.layers.1.mlp.{part}_proj.weight"].double()
        for part in ("gate", "up", "down")
    )
    inner = torch.nn.functional.silu(x.double() @ gate.T) * (x.double() @ up.T)
    torch.testing.assert_close(out.double(), inner @ down.T, rtol=1e-5, atol=1e-7)
