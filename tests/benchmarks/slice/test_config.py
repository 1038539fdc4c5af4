import pytest

from benchmarks.serving.slice.config import (
    DENSE_WIDTH,
    MODEL,
    NUM_ATTENTION,
    NUM_OWNED,
    SHARED_WIDTH,
    SliceConfig,
)


def test_shares_of_16_gpus_are_whole_blocks_and_cover_the_model():
    assert NUM_OWNED * 16 == MODEL.num_experts == 48
    assert MODEL.intermediate_size == DENSE_WIDTH * 16
    assert DENSE_WIDTH == 1152
    # 40 blocks of the shared expert: eight GPUs with three and eight with two.
    assert SHARED_WIDTH == 3 * 128
    assert 8 * 3 * 128 + 8 * 2 * 128 == MODEL.share_expert_size == 5120


@pytest.mark.parametrize("context", [4096, 8192])
def test_lengths_are_an_eighth_around_the_mean(context):
    config = SliceConfig(context=context)
    assert config.shortest == context - context // 8
    assert config.longest == context + context // 8


@pytest.mark.parametrize("batch", [4, 128, 160, 192])
def test_an_expert_has_room_for_half_more_than_the_mean(batch):
    config = SliceConfig(batch=batch)
    assert config.num_tokens == batch * NUM_ATTENTION
    mean = config.num_tokens * 3 / 48
    assert mean * 1.5 + 64 <= config.capacity < mean * 1.5 + 128
    assert config.capacity % 64 == 0


def test_dense_layers_are_the_models_unless_it_is_shortened():
    full = SliceConfig()
    dense = [layer for layer in range(full.num_layers) if full.is_dense(layer)]
    assert dense == [0, 1, 2, 3, 60]
    short = SliceConfig(num_layers=4)
    assert [layer for layer in range(4) if short.is_dense(layer)] == [0]


def test_bytes_in_a_server_take_their_time_where_that_is_asked_for():
    assert SliceConfig(batch=128).in_server_seconds == (0.0, 0.0)
    gather, sums = SliceConfig(batch=128, in_server_bytes_per_second=450e9).in_server_seconds
    assert gather == pytest.approx(14 * 128 * 7416 / 450e9)
    assert sums == pytest.approx(14 * 128 * 14336 / 450e9)
