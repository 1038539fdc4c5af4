import pytest
import torch

from benchmarks.serving.full import step as step_module
from benchmarks.serving.full.host_machine import HostMachine, HostQueue
from benchmarks.serving.full.message import message_bytes, result_bytes
from tests.benchmarks.full.cases import mini, sampled, step_of


def test_work_may_be_done_in_any_order_that_the_events_allow():
    config = mini(layers=(1, 2, 3))
    runs = [sampled(config, 3, HostMachine(seed)) for seed in range(3)]
    assert torch.equal(runs[0], runs[1])
    assert torch.equal(runs[0], runs[2])
    assert len(runs[0].unique()) > 8


@pytest.mark.parametrize("name", ["main", "queues_out", "queues_intake", "queues_ffn"])
def test_an_event_that_is_not_waited_for_is_noticed(name, monkeypatch):
    config = mini(layers=(1, 2, 3))
    expected = sampled(config, 2)

    class Hasty(HostQueue):
        def wait(self, event):
            pass

    def hasty(machine):
        step = step_of(config, machine)
        rows = getattr(step, name)
        for row in rows:
            for queue in row if isinstance(row, list) else [row]:
                queue.__class__ = Hasty
        return step

    wrong = 0
    for seed in range(4):
        step = hasty(HostMachine(seed))
        try:
            found = []
            for _ in range(2):
                step.run()
                found.append(step.tokens())
            wrong += not torch.equal(torch.stack(found), expected)
        except AssertionError:
            wrong += 1
    assert wrong


def test_layers_are_outside_and_micro_batches_inside_on_every_gpu():
    config = mini(2, 2, num_microbatches=3, layers=(1, 2))
    step, seen = step_of(config), {}
    step.upload()
    step.issue(lambda queue, name, *place: seen.setdefault((id(queue), name), []).append(place))
    step.machine.synchronize()
    every = [(layer, microbatch) for layer in range(2) for microbatch in range(3)]
    for queues, name in ((step.main, "attention-"), (step.queues_ffn, "ffn-")):
        for queue in queues:
            assert [place[:2] for place in seen[id(queue), name]] == every
    for index, queues in enumerate(step.queues_out):
        for peer, queue in enumerate(queues):
            assert seen[id(queue), "out"] == [(*place, peer) for place in every], index


def test_each_transfer_has_the_bytes_that_are_counted(monkeypatch):
    config = mini(2, 3, batch=8, rows_at_a_time=4)
    step, sizes = step_of(config), []
    copy = HostQueue.copy

    def counted(queue, pairs):
        sizes.append(sum(source.nbytes for _, source in pairs))
        copy(queue, pairs)

    monkeypatch.setattr(HostQueue, "copy", counted)
    step.issue()
    trips = 2 * config.num_microbatches * 2 * 3
    assert sizes.count(message_bytes(config)) == trips
    assert sizes.count(result_bytes(config)) == trips
    assert len(sizes) == 2 * trips


def residuals(step):
    step.run()
    step.machine.synchronize()
    return torch.cat([chunk.residual for each in step.attention for chunk in each.side.chunks])


def test_the_sum_of_every_ffn_gpu_counts():
    config = mini(1, 3)
    expected = residuals(step_of(config))
    for index in range(3):
        step = step_of(config)
        compute = step.ffn[index].compute

        def nothing(position, microbatch, compute=compute, side=step.ffn[index].side):
            compute(position, microbatch)
            side.inboxes[microbatch].result.zero_()

        step.ffn[index].compute = nothing
        assert not torch.equal(residuals(step), expected), index


def test_a_step_embeds_what_the_step_before_sampled():
    step = step_of(mini())
    step.run()
    first = step.tokens()
    chunk = step.attention[0].side.chunks[0]
    chunk.tokens.add_(1).remainder_(200)
    step.run()
    changed = step.tokens()
    other = step_of(mini())
    other.run()
    assert torch.equal(other.tokens(), first)
    other.run()
    assert not torch.equal(other.tokens(), changed)


def test_plans_are_the_same_whenever_they_are_made():
    config = mini()
    ahead, now = step_of(config), step_of(config)
    ahead.plan(3)
    for _ in range(3):
        ahead.run()
        now.run()
        assert torch.equal(ahead.tokens(), now.tokens())


def test_nothing_is_watched_unless_asked():
    assert step_module.watch_nothing(None, "attention+", 0, 0) is None
