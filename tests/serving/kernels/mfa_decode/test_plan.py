import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.kernels.mfa_decode.plan import MIN_PAGES, PIECE_COST, make_plan

BLOCKS = 132
BATCHES = st.lists(st.integers(1, 1024), min_size=1, max_size=300)


def loads(plan):
    return [sum(piece.num_pages + PIECE_COST for piece in block) for block in plan.blocks]


@given(num_pages=BATCHES, num_blocks=st.integers(1, 140))
def test_every_page_is_read_once_and_in_bounds(num_pages, num_blocks):
    plan = make_plan(num_pages, num_blocks)
    assert len(plan.blocks) == num_blocks
    pieces = sorted(piece for block in plan.blocks for piece in block)
    ends = [0] * len(num_pages)
    for piece in pieces:
        assert piece.first_page == ends[piece.sequence]
        assert piece.num_pages > 0
        ends[piece.sequence] += piece.num_pages
    assert ends == num_pages
    assert len(pieces) <= len(num_pages) + num_blocks


@given(num_pages=BATCHES)
def test_only_split_sequences_have_parts(num_pages):
    plan = make_plan(num_pages, BLOCKS)
    pieces = [piece.sequence for block in plan.blocks for piece in block]
    for sequence in range(len(num_pages)):
        parts = plan.part_begin[sequence + 1] - plan.part_begin[sequence]
        count = pieces.count(sequence)
        assert parts == (count if count > 1 else 0)


@given(num_pages=BATCHES)
def test_no_block_gets_much_more_than_the_even_share(num_pages):
    plan = make_plan(num_pages, BLOCKS)
    pieces = sum(map(len, plan.blocks))
    even = (sum(num_pages) + PIECE_COST * pieces) / BLOCKS
    assert max(loads(plan)) <= 1.25 * even + 2 * (MIN_PAGES + PIECE_COST)


@given(num_pages=BATCHES)
def test_the_plan_depends_on_its_arguments_only(num_pages):
    assert make_plan(num_pages, BLOCKS) == make_plan(num_pages, BLOCKS)


@pytest.mark.parametrize(
    ("num_sequences", "num_pages", "pieces_each"), [(128, 64, 1), (64, 128, 2), (16, 512, 8)]
)
def test_equal_sequences_are_cut_into_equal_pieces(num_sequences, num_pages, pieces_each):
    plan = make_plan([num_pages] * num_sequences, BLOCKS)
    pieces = [piece for block in plan.blocks for piece in block]
    assert len(pieces) == num_sequences * pieces_each
    assert {piece.num_pages for piece in pieces} == {num_pages // pieces_each}
    assert max(map(len, plan.blocks)) == 1


def test_a_slightly_ragged_batch_is_not_split():
    plan = make_plan([56 + i % 17 for i in range(128)], BLOCKS)
    assert plan.part_begin[-1] == 0


def test_one_long_sequence_is_spread_over_all_blocks():
    plan = make_plan([4096], BLOCKS)
    assert sum(map(bool, plan.blocks)) >= BLOCKS - 4
