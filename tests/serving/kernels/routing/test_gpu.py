import pytest
import torch

from regard.serving.kernels.routing.reference import (
    Dispatch,
    dispatch_reference,
    route_reference,
)
from tests.serving.kernels.block_scaled.operands import Draw, nan
from tests.serving.kernels.devices import gpu, relative_error

__all__ = ["gpu"]

HIDDEN, NUM_EXPERTS = 1792, 48


def integers(*shape, device):
    return torch.full(shape, -7, dtype=torch.int32, device=device)


def route(normed, router):
    from regard.serving.kernels.routing.gpu import Router

    chosen = integers(len(normed), 3, device=normed.device)
    weights = nan((len(normed), 3), normed.device)
    made = Router(len(normed), router)
    made._logits.fill_(torch.nan)
    made.route(normed, router, chosen, weights)
    return chosen, weights


@pytest.mark.gpu
@pytest.mark.parametrize("num_tokens", [1, 15, 16, 131, 500])
def test_the_largest_shares_are_chosen(num_tokens, gpu):
    draw = Draw(gpu, num_tokens)
    normed = draw.normal(num_tokens, HIDDEN).bfloat16()
    router = (draw.normal(NUM_EXPERTS, HIDDEN) / HIDDEN**0.5).bfloat16()
    chosen, weights = route(normed, router)
    expected, expected_weights = route_reference(normed, router, 3)
    assert relative_error(weights, expected_weights) < 1e-3
    # Two experts whose shares differ by a rounding error may change places.
    assert float((chosen != expected).float().mean()) < 0.01


@pytest.mark.gpu
def test_of_equal_shares_the_first_experts_are_chosen_once_each(gpu):
    normed = Draw(gpu).normal(20, HIDDEN).bfloat16()
    router = torch.zeros(NUM_EXPERTS, HIDDEN, dtype=torch.bfloat16, device=gpu)
    chosen, weights = route(normed, router)
    assert chosen.tolist() == [[0, 1, 2]] * 20
    torch.testing.assert_close(weights, torch.full_like(weights, 1 / NUM_EXPERTS))


@pytest.mark.gpu
def test_twins_of_an_expert_are_both_chosen(gpu):
    draw = Draw(gpu)
    normed = draw.normal(20, HIDDEN).bfloat16()
    router = (draw.normal(NUM_EXPERTS, HIDDEN) / HIDDEN**0.5).bfloat16()
    router[30] = router[7] = normed[0] / HIDDEN**0.5
    chosen, weights = route(normed[:1], router)
    assert chosen[0, :2].tolist() == [7, 30]
    assert weights[0, 0] == weights[0, 1]


@pytest.mark.gpu
def test_a_hidden_size_that_does_not_divide_is_refused(gpu):
    from regard.serving.kernels.routing.gpu import Router

    with pytest.raises(ValueError, match="a multiple of 1792"):
        Router(4, torch.zeros(48, 1800, device=gpu))


def dispatch(chosen, capacity, most=0):
    from regard.serving.kernels.routing.gpu import dispatch_gpu

    device = chosen.device
    room = Dispatch(
        integers(3, capacity, device=device),
        integers(3, device=device),
        integers(*chosen.shape, device=device),
    )
    seen = torch.tensor([most], dtype=torch.int32, device=device)
    dispatch_gpu(chosen, 16, room, seen)
    return room, int(seen)


@pytest.mark.gpu
@pytest.mark.parametrize("num_tokens", [1, 37, 512, 2560])
def test_tokens_go_where_the_reference_puts_them(num_tokens, gpu):
    draw = Draw(gpu, num_tokens)
    chosen = draw.uniform(num_tokens, NUM_EXPERTS).topk(3, dim=1)[1].int()
    found, most = dispatch(chosen, 320)
    expected = dispatch_reference(chosen, 16, 3, 320)
    assert torch.equal(found.counts, expected.counts)
    assert torch.equal(found.slots, expected.slots)
    assert most == int(expected.counts.max())
    for own, wanted, count in zip(
        found.order, expected.order, expected.counts.tolist(), strict=True
    ):
        assert torch.equal(own[:count], wanted[:count])
        # Behind them nothing is written.
        assert (own[count:] == -7).all()


@pytest.mark.gpu
def test_what_has_no_room_is_left_out_and_reported(gpu):
    chosen = torch.tensor([[0, 16, 32]] * 20 + [[1, 2, 3]] * 5, dtype=torch.int32, device=gpu)
    found, most = dispatch(chosen, 12)
    assert most == 20
    assert found.counts.tolist() == [12, 12, 12]
    assert found.order.tolist() == [list(range(12))] * 3
    assert (found.slots[12:] == -1).all()
    assert found.slots[11].tolist() == [11, 23, 35]


@pytest.mark.gpu
def test_the_most_so_far_is_kept(gpu):
    chosen = torch.tensor([[0, 1, 2]], dtype=torch.int32, device=gpu)
    assert dispatch(chosen, 12, most=9)[1] == 9
