import pytest

from benchmarks.serving.full.config import SettingError
from tests.benchmarks.full.cases import mini, whole


@pytest.mark.parametrize(
    ("batch", "parts", "rows"), [(4, 1, 4), (192, 1, 192), (200, 2, 100), (576, 3, 192)]
)
def test_a_large_micro_batch_is_cut_in_equal_parts(batch, parts, rows):
    config = whole(batch=batch)
    assert (config.num_chunks, config.chunk_rows) == (parts, rows)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"batch": 6}, "multiple of 4, such as 4"),
        ({"batch": 196}, "multiple of 8, such as 192"),
        ({"num_microbatches": 5}, "give 1 to 4"),
        ({"num_attention": 0}, "num_attention is 0"),
        ({"num_ffn": 49}, "49 FFN GPUs for 48 experts"),
        ({"layers": (3, 61)}, "0 to 60"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_give(changed, said):
    with pytest.raises(SettingError, match=said):
        whole(**changed)


def test_layers_keep_the_models_kinds():
    assert [i for i in range(61) if whole().is_dense(i)] == [0, 1, 2, 3, 60]
    short = whole().shortened(8)
    assert [short.is_dense(i) for i in range(8)] == [True] * 4 + [False] * 4
    few = mini(layers=(1, 2, 3))
    assert [few.is_dense(i) for i in range(3)] == [True, False, False]


def test_counts_are_those_of_all_gpus():
    config = whole(5, 3, batch=100, num_microbatches=3)
    assert (config.num_tokens, config.tokens_a_step, config.num_gpus) == (500, 1500, 8)
    assert config.topology == "5A3F"
    assert config.mean_rows == 500 * 3 / 48


@pytest.mark.parametrize("batch", [4, 64, 192, 396])
def test_an_expert_has_room_for_twice_the_mean_but_for_no_more_than_there_is(batch):
    config = whole(batch=batch)
    assert config.capacity % 64 == 0
    assert config.capacity >= min(2 * config.mean_rows + 64, config.num_tokens)
    assert config.capacity < config.num_tokens + 64
