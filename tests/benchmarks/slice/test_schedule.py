from benchmarks.serving.slice import schedule
from benchmarks.serving.slice.schedule import Turn


def test_micro_batches_take_turns_in_every_layer():
    assert schedule.in_order(2, 2) == [Turn(0, 0), Turn(0, 1), Turn(1, 0), Turn(1, 1)]


def test_a_turn_knows_the_next_one_of_its_micro_batch():
    turns = schedule.in_order(2, 2)
    assert schedule.following(turns) == [Turn(1, 0), Turn(1, 1), None, None]
