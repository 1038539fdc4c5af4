import pytest
import torch

from regard.serving.kernels.routing.reference import dispatch_reference, route_reference


def test_shares_are_those_of_a_softmax_over_all_experts():
    generator = torch.Generator().manual_seed(0)
    normed = torch.randn(5, 64, generator=generator).bfloat16()
    router = torch.randn(12, 64, generator=generator).bfloat16() / 8
    chosen, weights = route_reference(normed, router, 3)
    for token in range(5):
        scores = torch.tensor(
            [float(normed[token].double() @ expert.double()) for expert in router]
        ).double()
        shares = scores.exp() / scores.exp().sum()
        order = sorted(range(12), key=lambda expert: -shares[expert])[:3]
        assert chosen[token].tolist() == order
        torch.testing.assert_close(weights[token].double(), shares[order], rtol=1e-4, atol=0)
        assert weights[token].sum() < 1


CHOSEN = torch.tensor([[0, 5, 2], [4, 1, 0], [2, 3, 7], [6, 2, 0]], dtype=torch.int32)


def test_the_busiest_group_gets_its_tokens_in_order():
    # Experts 0 and 4 are chosen 4 times, 2 and 6 four times too: of equals the first one counts.
    found = dispatch_reference(CHOSEN, 4, 2, 5)
    assert found.counts.tolist() == [3, 1]
    assert found.order[0, :3].tolist() == [0, 1, 3]
    assert found.order[1, :1].tolist() == [1]
    assert found.slots.tolist() == [[0, -1, -1], [5, -1, 1], [-1, -1, -1], [-1, -1, 2]]


def test_a_group_with_one_token_more_is_preferred():
    chosen = CHOSEN.clone()
    chosen[0, 0] = 6
    assert dispatch_reference(chosen, 4, 2, 5).counts.tolist() == [3, 2]


@pytest.mark.parametrize("seed", range(3))
def test_slots_lead_to_the_place_where_the_order_has_the_token(seed):
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(200, 48, generator=generator).topk(3, dim=1)[1].int()
    found = dispatch_reference(chosen, 16, 3, 64)
    own = (found.slots >= 0).nonzero().tolist()
    assert len(own) == int(found.counts.sum())
    groups = {int(chosen[token, choice]) % 16 for token, choice in own}
    assert len(groups) == 1
    for token, choice in own:
        expert, place = divmod(int(found.slots[token, choice]), 64)
        assert int(chosen[token, choice]) == groups.copy().pop() + 16 * expert
        assert place < found.counts[expert]
        assert found.order[expert, place] == token


def test_more_tokens_than_there_is_room_for_are_refused():
    with pytest.raises(ValueError, match="3 tokens; there is room for 2"):
        dispatch_reference(CHOSEN, 4, 2, 2)
