import pytest
import torch

from regard.serving.kernels.mfa_decode.tile_map import PAGE_SIZE, TileMap

CPU = torch.device("cpu")


def pieces_of(tile_map):
    used = int(tile_map.block_begin[-1])
    return tile_map.records[:used].tolist()


def test_records_say_what_each_block_reads():
    tile_map = TileMap.make([4097, 1], CPU, num_blocks=8)
    for block in range(8):
        assert tile_map.block_begin[block] <= tile_map.block_begin[block + 1]
    pages = {0: set(), 1: set()}
    for sequence, first, count, left, first_part, part_of, *_ in pieces_of(tile_map):
        assert not pages[sequence] & set(range(first, first + count))
        pages[sequence] |= set(range(first, first + count))
        assert left == [4097, 1][sequence] - first * PAGE_SIZE
        assert (first_part < 0) == (sequence == 1)
        assert (part_of & 0xFFFF > 1) == (sequence == 0)
    assert pages == {0: set(range(65)), 1: {0}}


def test_parts_of_a_sequence_are_numbered_by_their_first_page():
    tile_map = TileMap.make([9000, 9000], CPU, num_blocks=6)
    for wanted in range(2):
        rows = sorted(row for row in pieces_of(tile_map) if row[0] == wanted)
        assert [row[5] >> 16 for row in rows] == list(range(len(rows)))
        assert {row[5] & 0xFFFF for row in rows} == {len(rows)}
    parts = [row[4] + (row[5] >> 16) for row in pieces_of(tile_map)]
    assert sorted(parts) == list(range(len(parts)))
    assert len(parts) <= len(tile_map.parts)


def test_filling_again_keeps_the_tensors():
    tile_map = TileMap.make([100, 200, 300], CPU, num_blocks=4)
    places = [tile_map.records.data_ptr(), tile_map.block_begin.data_ptr()]
    tile_map.fill([5000, 1, 64])
    assert [tile_map.records.data_ptr(), tile_map.block_begin.data_ptr()] == places
    assert tile_map.lengths.tolist() == [5000, 1, 64]
    assert sum(row[2] for row in pieces_of(tile_map)) == 79 + 1 + 1


def test_another_batch_or_an_empty_sequence_is_refused():
    tile_map = TileMap.allocate(2, CPU)
    with pytest.raises(ValueError, match="3 lengths for a map of 2"):
        tile_map.fill([1, 2, 3])
    with pytest.raises(ValueError, match="at least 1"):
        tile_map.fill([0, 5])
