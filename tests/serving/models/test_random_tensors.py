import pytest
import torch

from regard.serving.models.random_tensors import RandomTensors

SHAPES = {
    "layer.up.weight": (64, 32),
    "norm.weight": (64,),
    "norm.bias": (64,),
    "moe.up.weight": (3, 64, 32),
}


def test_each_tensor_depends_on_its_name_and_the_seed_alone():
    name = "layer.up.weight"
    one = RandomTensors({name: SHAPES[name]}, seed=3)[name]
    assert torch.equal(RandomTensors(SHAPES, seed=3)[name], one)
    assert not torch.equal(RandomTensors(SHAPES, seed=4)[name], one)
    other = RandomTensors({"layer.down.weight": SHAPES[name]}, seed=3)
    assert not torch.equal(other["layer.down.weight"], one)


def test_norms_are_ones_and_the_rest_has_the_scale_and_type_asked_for():
    tensors = RandomTensors(SHAPES, seed=0, dtype=torch.bfloat16, scale=0.5)
    assert torch.equal(tensors["norm.weight"], torch.ones(64, dtype=torch.bfloat16))
    assert tensors["norm.bias"].std() > 0
    assert tensors["layer.up.weight"].dtype == torch.bfloat16
    assert tensors["layer.up.weight"].float().std() == pytest.approx(0.5, rel=0.1)


def test_an_expert_is_drawn_alone_as_it_stands_in_its_stack(monkeypatch):
    whole = RandomTensors(SHAPES, seed=0)["moe.up.weight"]
    stack = RandomTensors(SHAPES, seed=0).stack("moe.up.weight")
    assert stack.shape == (3, 64, 32)
    drawn = []
    randn = torch.randn
    monkeypatch.setattr(
        torch, "randn", lambda shape, **kw: drawn.append(shape) or randn(shape, **kw)
    )
    assert torch.equal(stack.draw(2), whole[2])
    assert drawn == [(64, 32)]
    assert not torch.equal(whole[1], whole[2])


def test_the_mapping_is_complete_without_a_draw(monkeypatch):
    monkeypatch.setattr(torch, "randn", None)
    tensors = RandomTensors(SHAPES, seed=0)
    assert set(tensors) == set(SHAPES)
    assert len(tensors) == 4
    assert "norm.bias" in tensors
    assert tensors.get("none") is None
