import pytest
import torch

from benchmarks.serving.full.ffn_side import FfnSide
from benchmarks.serving.full.stages import fill_inbox
from benchmarks.serving.slice.tensors import empty_rows
from regard.serving.kernels.block_scaled.reference import dequantise_rows
from regard.serving.kernels.routing.reference import Dispatch
from tests.benchmarks.full.cases import whole
from tests.serving.kernels.devices import gpu

__all__ = ["gpu"]


@pytest.fixture
def side(gpu):
    made = FfnSide(whole(3, 3, batch=200, num_microbatches=1), 1, gpu, [])
    fill_inbox(made)
    return made


@pytest.mark.gpu
def test_all_parts_of_all_messages_stand_in_one_place(side):
    from benchmarks.serving.full.intake_kernels import gather_messages

    rows = empty_rows(600, 7168, side.device)
    chosen = torch.full((600, 3), -7, dtype=torch.int32, device=side.device)
    shares = torch.full((600, 3), torch.nan, device=side.device)
    inbox = side.inboxes[0]
    gather_messages(inbox.everything, side.config, rows, chosen, shares)
    expected = torch.cat([each.tokens() for each in inbox.messages])
    assert torch.equal(dequantise_rows(rows.values, rows.scales), expected)
    assert torch.equal(chosen, torch.cat([each.chosen for each in inbox.messages]))
    assert torch.equal(shares, torch.cat([each.shares for each in inbox.messages]))


@pytest.mark.gpu
@pytest.mark.parametrize("capacity", [128, 16])
def test_an_expert_gets_its_tokens_in_order_and_what_has_no_room_is_reported(side, capacity):
    from benchmarks.serving.full.intake_kernels import dispatch

    chosen = torch.cat([each.chosen for each in side.inboxes[0].messages])
    experts, device = side.share.experts, side.device
    room = Dispatch(
        torch.full((len(experts), capacity), -7, dtype=torch.int32, device=device),
        torch.full((len(experts),), -7, dtype=torch.int32, device=device),
        torch.full(chosen.shape, -7, dtype=torch.int32, device=device),
    )
    most = torch.zeros(1, dtype=torch.int32, device=device)
    dispatch(chosen, side.index, side.config.num_ffn, room, most)
    slots, largest = torch.full_like(chosen, -1), 0
    for place, expert in enumerate(experts):
        token, choice = torch.nonzero(chosen == expert, as_tuple=True)
        largest = max(largest, len(token))
        token, choice = token[:capacity], choice[:capacity]
        assert int(room.counts[place]) == len(token)
        assert torch.equal(room.order[place, : len(token)].long(), token)
        slots[token, choice] = torch.arange(len(token), device=device).int() + place * capacity
    assert torch.equal(room.slots, slots)
    assert int(most) == largest
