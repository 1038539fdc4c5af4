import torch

from regard.serving.models.experts import Experts
from regard.serving.models.numerics import choose_numerics
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
