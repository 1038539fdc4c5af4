import pytest

from benchmarks.serving.full.layout import Share, chunk_number
from tests.benchmarks.full.cases import STEP3, mini, whole


@pytest.mark.parametrize(("num_ffn", "experts"), [(4, 12), (3, 16)])
def test_experts_are_whole_and_each_has_one_owner(num_ffn, experts):
    shares = [Share.of(whole(num_ffn=num_ffn), index) for index in range(num_ffn)]
    assert [len(each.experts) for each in shares] == [experts] * num_ffn
    assert sorted(e for each in shares for e in each.experts) == list(range(48))


@pytest.mark.parametrize(("num_ffn", "blocks"), [(4, [10] * 4), (3, [14, 13, 13])])
def test_the_shared_expert_is_cut_where_scale_blocks_end(num_ffn, blocks):
    shares = [Share.of(whole(num_ffn=num_ffn), index) for index in range(num_ffn)]
    assert [len(each.shared) for each in shares] == blocks
    assert [b for each in shares for b in each.shared] == list(range(40))
    assert sum(each.dense_width for each in shares) == STEP3.intermediate_size
    assert [b for each in shares for b in each.dense] == list(range(144))


@pytest.mark.parametrize("config", [mini(1, 1, num_microbatches=2, batch=8, rows_at_a_time=4),
                                    mini(2, 3), mini(4, 1, num_microbatches=1)])  # fmt: skip
def test_every_part_has_a_number_of_its_own(config):
    numbers = [
        chunk_number(config, attention, microbatch, chunk)
        for attention in range(config.num_attention)
        for microbatch in range(config.num_microbatches)
        for chunk in range(config.num_chunks)
    ]
    assert sorted(numbers) == list(range(4))
