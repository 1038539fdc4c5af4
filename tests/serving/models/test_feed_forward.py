import pytest
import torch

from regard.serving.models.build import build_attention, build_feed_forwards
from regard.serving.models.feed_forward import FeedForwardInput
from regard.serving.models.numerics import choose_numerics
from regard.serving.models.shard import FeedForwardShard
from regard.serving.models.weights import random_tensors, tensor_shapes
from tests.serving.tiny import LLAMA, STEP3

EXACT = choose_numerics("exact", "cpu", "auto")
GRIDS = [(1, 2), (1, 3), (2, 1), (3, 1), (2, 2), (6, 1)]


def rows_for(config, tensors, layer, count=9):
    torch.manual_seed(0)
    return build_attention(config, tensors, EXACT)[layer].post_attention(
        torch.randn(count, config.hidden_size)
    )


def test_a_dense_layer_routes_nowhere():
    tensors = random_tensors(tensor_shapes(LLAMA), seed=0)
    rows = rows_for(LLAMA, tensors, 0)
    assert rows.expert_ids.shape == rows.expert_weights.shape == (9, 0)


@pytest.mark.parametrize("config", [LLAMA, STEP3], ids=["llama", "step3"])
def test_it_keeps_nothing_of_a_request(config):
    tensors = random_tensors(tensor_shapes(config), seed=0)
    rows = rows_for(config, tensors, -1)
    feed_forward = build_feed_forwards(config, tensors, EXACT)[-1]
    whole = feed_forward(rows)
    parts = [feed_forward(FeedForwardInput(*(t[i : i + 1] for t in rows))) for i in (3, 0, 8)]
    assert torch.equal(torch.cat(parts), whole[[3, 0, 8]])
    assert torch.equal(feed_forward(rows), whole)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("config", [LLAMA, STEP3], ids=["llama", "step3"])
def test_the_shards_of_any_grid_add_up_to_the_whole(config, grid):
    groups, ranks = grid
    tensors = random_tensors(tensor_shapes(config), seed=0)
    for layer in range(config.num_layers):
        rows = rows_for(config, tensors, layer)
        whole = build_feed_forwards(config, tensors, EXACT)[layer](rows)
        total = torch.zeros_like(whole)
        for group in range(groups):
            for rank in range(ranks):
                shard = FeedForwardShard(
                    expert_group=group,
                    num_expert_groups=groups,
                    tensor_rank=rank,
                    num_tensor_ranks=ranks,
                )
                part = build_feed_forwards(config, tensors, EXACT, shard)[layer](rows)
                assert not torch.equal(part, whole)
                total += part
        torch.testing.assert_close(total, whole, rtol=1e-5, atol=1e-7)


def test_masked_rows_go_to_no_expert():
    tensors = random_tensors(tensor_shapes(STEP3), seed=0)
    rows = rows_for(STEP3, tensors, 1)
    nowhere = rows._replace(expert_ids=torch.full_like(rows.expert_ids, -1))
    feed_forward = build_feed_forwards(STEP3, tensors, EXACT)[1]
    names = [f"model.layers.1.share_expert.{part}_proj.weight" for part in ("gate", "up", "down")]
    gate, up, down = (tensors[name] for name in names)
    shared = (torch.nn.functional.silu(rows.x @ gate.T) * (rows.x @ up.T)) @ down.T
    torch.testing.assert_close(feed_forward(nowhere), shared, rtol=1e-4, atol=1e-7)
