import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.serving.models.numerics import choose_numerics
from regard.serving.models.router import Router

EXACT = choose_numerics("exact", "cpu", "auto")


@settings(deadline=None)
@given(rows=st.integers(1, 7), experts=st.integers(1, 12), seed=st.integers(0, 99), data=st.data())
def test_the_likeliest_experts_with_their_share_of_the_softmax_over_all(rows, experts, seed, data):
    top_k = data.draw(st.integers(1, experts))
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(experts, 16, generator=generator)
    x = torch.randn(rows, 16, generator=generator)
    weights, ids = Router(weight, top_k, EXACT)(x)
    logits = x.double() @ weight.double().T
    for row in range(rows):
        likeliest = sorted(range(experts), key=lambda expert: -float(logits[row, expert]))
        assert ids[row].tolist() == likeliest[:top_k]
        expected = logits[row].exp()[ids[row]] / logits[row].exp().sum()
        torch.testing.assert_close(weights[row].double(), expected, rtol=1e-5, atol=1e-9)


def test_the_weights_are_not_renormalised():
    weights, _ = Router(torch.zeros(8, 4), 2, EXACT)(torch.ones(1, 4))
    torch.testing.assert_close(weights, torch.full((1, 2), 1 / 8))


def test_they_are_where_that_is_asked_for():
    weights, ids = Router(torch.eye(4), 2, EXACT, renormalise=True)(torch.tensor([[0.0, 2, 1, 0]]))
    assert ids.tolist() == [[1, 2]]
    expected = torch.tensor([[2.0, 1.0]]).softmax(-1)
    torch.testing.assert_close(weights, expected)
