import pytest

from benchmarks.serving.slice import schedule
from benchmarks.serving.slice.schedule import Turn

SIZES = [(61, 3), (4, 3), (61, 2), (61, 4), (4, 1)]


@pytest.mark.parametrize(("layers", "count"), SIZES)
def test_staggered_steps_do_the_same_in_another_order(layers, count):
    """Prologue and steps together give each micro-batch all layers of each step, in order."""
    turns = schedule.prologue(layers, count)
    done = [(turn.index, turn.ahead - 1, turn.layer) for turn in turns]
    for step in range(3):
        for turn in schedule.staggered(layers, count):
            done.append((turn.index, turn.ahead + step, turn.layer))
    for index in range(count):
        own = [(step, layer) for i, step, layer in done if i == index]
        assert own == [divmod(number, layers) for number in range(len(own))]
    assert len(schedule.staggered(layers, count)) == layers * count


def test_heads_stand_far_from_each_other_and_from_the_ends():
    turns = schedule.staggered(61, 3)
    heads = [place for place, turn in enumerate(turns) if turn.layer == 0]
    assert [turns[place].index for place in heads] == [2, 1, 0]
    gaps = [b - a for a, b in zip([0, *heads], [*heads, len(turns)], strict=True)]
    assert min(gaps) > 25


def test_in_order_no_micro_batch_is_ahead():
    assert schedule.in_order(2, 2) == [Turn(0, 0), Turn(0, 1), Turn(1, 0), Turn(1, 1)]


def test_a_turn_knows_the_next_one_of_its_micro_batch():
    turns = schedule.in_order(2, 2)
    assert schedule.following(turns) == [Turn(1, 0), Turn(1, 1), None, None]
