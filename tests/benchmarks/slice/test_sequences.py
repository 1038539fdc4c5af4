import numpy as np
import pytest
import torch

from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.sequences import PAGE_SIZE, Sequences

CPU = torch.device("cpu")


def make(batch=16, context=1024, index=0, seed=0):
    config = SliceConfig(batch=batch, context=context, seed=seed)
    return config, Sequences(config, index, CPU, 8)


def used_pages(sequences):
    """The pages that each sequence has tokens in."""
    return [
        sequences._table[row, : -(-int(length) // PAGE_SIZE)].tolist()
        for row, length in enumerate(sequences.lengths)
    ]


def assert_no_page_is_shared(sequences):
    pages = sum(used_pages(sequences), [])
    assert len(pages) == len(set(pages))
    assert set(pages).isdisjoint(sequences._free)
    assert sorted([*pages, *sequences._free]) == list(range(sequences.num_pages))


def test_no_two_live_sequences_share_a_page_and_none_is_lost():
    config, sequences = make()
    assert_no_page_is_shared(sequences)
    for _ in range(2 * (config.longest - config.shortest)):
        sequences.advance()
        assert_no_page_is_shared(sequences)
    assert sequences.num_replaced == 2 * config.batch


def test_pages_given_back_are_used_again():
    config, sequences = make()
    first = {page for pages in used_pages(sequences) for page in pages}
    never = set(range(sequences.num_pages)) - first
    for _ in range(4 * (config.longest - config.shortest)):
        sequences.advance()
    taken = {page for pages in used_pages(sequences) for page in pages}
    assert taken & never
    assert len(sequences._free) < len(never) + len(first) - len(taken) + 1


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_length_stays_within_a_hundredth(seed):
    config, sequences = make(batch=128, context=4096, seed=seed)
    means = []
    for _ in range(2000):
        sequences.advance()
        means.append(sequences.lengths.mean())
    assert abs(np.mean(means) / config.context - 1) < 0.01
    assert sequences.lengths.min() > config.shortest
    assert sequences.lengths.max() <= config.longest


def test_a_sequence_grows_by_one_until_it_is_replaced():
    config, sequences = make()
    for _ in range(300):
        before = sequences.lengths.copy()
        sequences.advance()
        ended = before >= config.longest
        assert (sequences.lengths[~ended] == before[~ended] + 1).all()
        assert (sequences.lengths[ended] == config.shortest + 1).all()


def test_a_live_sequence_keeps_its_pages():
    config, sequences = make()
    for _ in range(300):
        before, old = used_pages(sequences), sequences.lengths.copy()
        sequences.advance()
        for row, pages in enumerate(used_pages(sequences)):
            if old[row] < config.longest:
                assert pages[: len(before[row])] == before[row]


def test_micro_batches_differ():
    assert make(index=0)[1].lengths.tolist() != make(index=1)[1].lengths.tolist()


def prepared(sequences, monkeypatch):
    # Memory cannot be pinned where there is no GPU.
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    pairs = sequences.prepare()
    for target, source in pairs:
        assert target.shape == source.shape
        assert target.dtype == source.dtype
        target.copy_(source)
    return pairs


def test_positions_table_and_tile_map_agree(monkeypatch):
    _, sequences = make()
    for _ in range(20):
        sequences.advance()
    prepared(sequences, monkeypatch)
    assert sequences.positions.tolist() == [length - 1 for length in sequences.lengths]
    assert sequences.tile_map.lengths.tolist() == sequences.lengths.tolist()
    for row, position in enumerate(sequences.positions.tolist()):
        # The place of the newest token is in a page of its own sequence.
        assert int(sequences.block_table[row, position // PAGE_SIZE]) in used_pages(sequences)[row]
    pages = {
        (row, page) for row, own in enumerate(used_pages(sequences)) for page in range(len(own))
    }
    read = [
        (sequence, first + number)
        for sequence, first, count, *_ in sequences.tile_map.records[
            : int(sequences.tile_map.block_begin[-1])
        ].tolist()
        for number in range(count)
    ]
    assert sorted(read) == sorted(pages)


def test_what_is_uploaded_does_not_change_with_the_next_step(monkeypatch):
    _, sequences = make()
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    kept = [(source, source.clone()) for _, source in sequences.prepare()]
    for _ in range(200):
        sequences.advance()
    assert all(torch.equal(source, copy) for source, copy in kept)
