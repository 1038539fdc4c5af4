import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.errors import InvalidRequestError
from regard.serving.models.block_fp8 import BlockFp8Tensor
from regard.serving.models.quantised import QuantisedTensor
from regard.serving.models.shard import FeedForwardShard, even_part


@given(count=st.integers(0, 200), parts=st.integers(1, 20))
def test_even_parts_cover_everything_in_order_and_differ_by_at_most_one(count, parts):
    spans = [even_part(count, index, parts) for index in range(parts)]
    assert [i for span in spans for i in range(span.start, span.stop)] == list(range(count))
    sizes = [span.stop - span.start for span in spans]
    assert max(sizes) - min(sizes) <= 1


def grid(groups, ranks):
    return [
        FeedForwardShard(
            expert_group=group, num_expert_groups=groups, tensor_rank=rank, num_tensor_ranks=ranks
        )
        for group in range(groups)
        for rank in range(ranks)
    ]


@given(groups=st.integers(1, 6), ranks=st.integers(1, 4))
def test_every_expert_slice_and_dense_column_has_one_home(groups, ranks):
    shards = grid(groups, ranks)
    assert [shard.index for shard in shards] == list(range(groups * ranks))
    homes = [
        (expert, column)
        for shard in shards
        for expert in shard.experts(48)
        for column in range(*shard.expert_inner(20).indices(20))
    ]
    assert sorted(homes) == [(expert, column) for expert in range(48) for column in range(20)]
    columns = [c for shard in shards for c in range(*shard.inner(96).indices(96))]
    assert columns == list(range(96))


def quantised(columns):
    blocks = columns // 32
    return QuantisedTensor("q4_1", torch.zeros(4, blocks * 20, dtype=torch.uint8), (4, columns))


def test_quantised_blocks_are_not_cut():
    spans = [shard.inner(160, [quantised(160)]) for shard in grid(1, 2)]
    assert [(span.start, span.stop) for span in spans] == [(0, 64), (64, 160)]


def test_a_partial_last_block_goes_to_the_last_shard():
    matrix = BlockFp8Tensor(
        torch.zeros(300, 8).to(torch.float8_e4m3fn), torch.zeros(3, 1), (128, 128)
    )
    spans = [shard.inner(300, [matrix, quantised(96)]) for shard in grid(1, 2)]
    assert [(span.start, span.stop) for span in spans] == [(0, 128), (128, 300)]


def test_a_width_too_narrow_for_the_shards_is_refused_with_the_numbers():
    with pytest.raises(
        InvalidRequestError, match="width of 96 cannot be cut into 4 .* blocks of 32"
    ):
        grid(1, 4)[0].inner(96, [quantised(96)])
    with pytest.raises(InvalidRequestError, match="width of 3 cannot be cut into 4"):
        grid(2, 2)[0].inner(3)


def test_a_cell_outside_its_grid_is_refused():
    with pytest.raises(ValueError, match="not a cell"):
        FeedForwardShard(tensor_rank=2, num_tensor_ranks=2)
