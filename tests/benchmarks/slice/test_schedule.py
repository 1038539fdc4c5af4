from benchmarks.serving.slice import schedule
from benchmarks.serving.slice.schedule import Turn


def test_micro_batches_take_turns_in_every_layer():
    assert schedule.in_order(2, 2) == [Turn(0, 0), Turn(0, 1), Turn(1, 0), Turn(1, 1)]


def test_a_turn_knows_the_next_one_of_its_micro_batch():
    turns = schedule.in_order(2, 2)
    assert schedule.following(turns) == [Turn(1, 0), Turn(1, 1), None, None]


def test_every_micro_batch_has_one_head_and_the_first_waits_for_no_other():
    for count in (1, 2, 3):
        heads = schedule.heads(count)
        assert [index for each in heads for index in each] == list(range(count))
        assert heads[0] == range(1)
