import pytest
import torch

from benchmarks.serving.full.host_machine import HostMachine
from tests.benchmarks.full.cases import CPU


def order_of(seed, with_event):
    machine, seen = HostMachine(seed), []
    one, other = machine.queue(CPU), machine.queue(CPU)
    one.run(lambda: seen.append("one"))
    if with_event:
        other.wait(one.record())
    other.run(lambda: seen.append("other"))
    machine.synchronize()
    return seen


def test_an_event_orders_two_queues_and_nothing_else_does():
    assert {tuple(order_of(seed, True)) for seed in range(20)} == {("one", "other")}
    assert {tuple(order_of(seed, False)) for seed in range(20)} == {
        ("one", "other"),
        ("other", "one"),
    }


def test_a_queue_does_its_own_work_in_order():
    machine, seen = HostMachine(1), []
    queues = [machine.queue(CPU) for _ in range(3)]
    for number in range(10):
        for place, queue in enumerate(queues):
            queue.run(lambda number=number, place=place: seen.append((place, number)))
    machine.synchronize()
    for place in range(3):
        assert [n for p, n in seen if p == place] == list(range(10))


def test_queues_that_wait_for_one_another_are_noticed():
    machine = HostMachine()
    one, other = machine.queue(CPU), machine.queue(CPU)
    lost = HostMachine().queue(CPU).record()
    one.wait(lost)
    other.wait(one.record())
    with pytest.raises(RuntimeError, match="2 queues wait"):
        machine.synchronize()


def test_copies_and_moments():
    machine = HostMachine()
    queue = machine.queue(CPU)
    target = torch.zeros(4)
    first = machine.moment(queue)
    queue.copy([(target, torch.arange(4.0))])
    last = machine.moment(queue)
    with pytest.raises(RuntimeError, match="not come there"):
        last.seconds_since(first)
    assert target.sum() == 0
    last.wait()
    assert target.tolist() == [0, 1, 2, 3]
    assert last.seconds_since(first) >= 0
