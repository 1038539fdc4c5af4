import pytest
import torch

from benchmarks.serving.full.build import build_step
from benchmarks.serving.full.host_machine import HostMachine, HostMoment
from benchmarks.serving.full.trip import FEW, MANY, EmptyAttention, EmptyFfn, measure_trip
from benchmarks.serving.full.weights import draw_weights
from tests.benchmarks.full.cases import devices, mini


class Clocked(HostMachine):
    """A copy takes a microsecond, and nothing else takes any time."""

    copied = 0

    def queue(self, device):
        made = super().queue(device)
        copy = made.copy

        def timed(pairs):
            copy(pairs)
            made.run(self.tick)

        made.copy = timed
        return made

    def tick(self):
        self.copied += 1

    def moment(self, queue):
        made = HostMoment(self)
        queue.run(lambda: setattr(made, "time", self.copied * 1e-6))
        return made


def test_a_trip_is_what_one_layer_more_takes():
    config = mini(2, 3)
    row = measure_trip(config, Clocked(), devices(config), 5)
    # Each of two attention GPUs to each of three FFN GPUs, and back.
    assert row.value == pytest.approx(12.0)
    assert row.n == 5
    assert row.metric == "serving.afd_full_stage_us/trip/2A3F/4"
    assert MANY > FEW


def test_empty_stages_leave_messages_and_results_as_they_were():
    config = mini(2, 3, num_microbatches=1)
    where = devices(config)
    step = build_step(
        config, HostMachine(), where, draw_weights(config.shortened(1), *where),
        (EmptyAttention, EmptyFfn),
    )  # fmt: skip
    for each in step.attention:
        each.side.outboxes[0].random_(255)
    for each in step.ffn:
        each.side.inboxes[0].result.normal_()
    step.issue()
    step.machine.synchronize()
    for index, one in enumerate(step.attention):
        for peer, other in enumerate(step.ffn):
            assert torch.equal(other.side.inboxes[0].buffers[index], one.side.outboxes[0])
            sent = torch.cat(other.side.results_for(index, 0))
            assert torch.equal(torch.cat(one.side.received_from(peer, 0)), sent)
