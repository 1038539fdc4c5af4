import torch

from benchmarks.serving.full.build import plain_operators
from benchmarks.serving.full.stages import (
    STAGES,
    attention_calls,
    ffn_calls,
    stage_metric,
    time_transfers,
)
from tests.benchmarks.full.cases import CPU, mini, step_of, whole


def test_a_stages_row_names_all_that_its_time_depends_on():
    config = whole(5, 3, batch=128, context=8192)
    assert [stage_metric(config, each).removeprefix("serving.") for each in STAGES] == [
        "afd_full_stage_us/attention/128x8192",
        "afd_full_stage_us/head/128",
        "afd_full_stage_us/experts/3F/640",
        "afd_full_stage_us/dense/3F/640",
        "afd_full_stage_us/out/5A3F/128",
        "afd_full_stage_us/back/5A3F/128",
    ]


def test_stages_that_compute_can_be_called_again_and_again():
    config = mini(2, 3, layers=None)
    calls = attention_calls(config, CPU, plain_operators())
    assert len(calls["attention"]) == 2
    for each in (*calls["attention"], *calls["head"]) * 2:
        each()
    for dense, count in ((False, 2), (True, 3)):
        made = ffn_calls(config, dense, CPU, plain_operators())
        assert len(made) == count
        for each in made * 2:
            each()


def test_transfers_carry_every_message_and_result():
    step = step_of(mini(2, 3))
    for each in step.attention:
        each.side.outboxes[0].random_(255)
    for each in step.ffn:
        each.side.inboxes[0].result.normal_()
    assert all(time > 0 for time in time_transfers(step, "out", 2))
    assert len(time_transfers(step, "back", 2)) == 2
    for index, one in enumerate(step.attention):
        for peer, other in enumerate(step.ffn):
            assert torch.equal(other.side.inboxes[0].buffers[index], one.side.outboxes[0])
            sent = torch.cat(other.side.results_for(index, 0))
            assert torch.equal(torch.cat(one.side.received_from(peer, 0)), sent)
