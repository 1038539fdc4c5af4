import torch

from regard.serving.models.experts import Experts, open_stack
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.random_tensors import RandomTensors
from regard.serving.models.shard import FeedForwardShard

EXACT = choose_numerics("exact", "cpu", "auto")
GENERATOR = torch.Generator().manual_seed(0)
STACKS = [torch.randn(shape, generator=GENERATOR) for shape in [(5, 8, 16)] * 2 + [(5, 16, 8)]]
X = torch.randn(7, 16, generator=GENERATOR)
IDS = torch.stack([torch.randperm(5, generator=GENERATOR)[:2] for _ in range(7)])
WEIGHTS = torch.rand(7, 2, generator=GENERATOR)


def formula(row, slot):
    gate, up, down = (stack[IDS[row, slot]].double() for stack in STACKS)
    x = X[row].double()
    return WEIGHTS[row, slot].double() * (down @ (torch.nn.functional.silu(gate @ x) * (up @ x)))


def test_each_row_gets_the_weighted_sum_of_its_experts():
    out = Experts(STACKS, EXACT)(X, IDS, WEIGHTS)
    expected = torch.stack([formula(row, 0) + formula(row, 1) for row in range(7)])
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=1e-5)


def test_a_shard_adds_nothing_for_experts_held_elsewhere():
    shard = FeedForwardShard(expert_group=1, num_expert_groups=2)
    held = set(shard.experts(5))
    assert held == {2, 3, 4}
    out = Experts(STACKS, EXACT, shard)(X, IDS, WEIGHTS)
    for row in range(7):
        mine = [formula(row, slot) for slot in (0, 1) if int(IDS[row, slot]) in held]
        expected = sum(mine, torch.zeros(16, dtype=torch.float64))
        torch.testing.assert_close(out[row].double(), expected, rtol=1e-5, atol=1e-5)


def test_a_shard_draws_none_but_its_own_random_experts(monkeypatch):
    shapes = dict(zip("gud", [(5, 8, 16)] * 2 + [(5, 16, 8)], strict=True))
    tensors = RandomTensors(shapes, seed=0)
    stacks = [tensors[name] for name in shapes]
    drawn = []
    draw = RandomTensors._draw
    monkeypatch.setattr(
        RandomTensors,
        "_draw",
        lambda own, name, shape: drawn.append(name) or draw(own, name, shape),
    )
    shard = FeedForwardShard(expert_group=1, num_expert_groups=2, num_tensor_ranks=2)
    opened = [open_stack(tensors, name) for name in shapes]
    # The type checker of the tests looks at the first tensor of a mapping.
    drawn.clear()
    experts = Experts(opened, EXACT, shard)
    assert set(drawn) == {f"{name}[{expert}]" for name in shapes for expert in (2, 3, 4)}
    assert torch.equal(experts(X, IDS, WEIGHTS), Experts(stacks, EXACT, shard)(X, IDS, WEIGHTS))


def test_a_plain_stack_is_opened_as_it_is():
    tensors = {"a": STACKS[0]}
    assert open_stack(tensors, "a") is STACKS[0]
