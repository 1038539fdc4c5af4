import torch

from regard.serving.kernels.combine.reference import combine_reference


def test_a_token_gets_its_shared_result_and_the_weighted_ones_that_are_here():
    shared = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    routed = torch.tensor([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]]).bfloat16()
    slots = torch.tensor([[0, -1], [2, 1], [-1, -1]], dtype=torch.int32)
    weights = torch.tensor([[0.5, 9.0], [0.25, 2.0], [7.0, 8.0]])
    found = combine_reference(shared, routed, slots, weights)
    assert found.tolist() == [[6.0, 12.0], [75.5, 99.0], [5.0, 6.0]]


def test_sums_agree_with_float64():
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(20, 64, generator=generator)
    routed = torch.randn(50, 64, generator=generator).bfloat16()
    slots = torch.randint(-1, 50, (20, 3), generator=generator).int()
    weights = torch.rand(20, 3, generator=generator)
    expected = shared.double()
    for token, choice in torch.cartesian_prod(torch.arange(20), torch.arange(3)).tolist():
        slot = int(slots[token, choice])
        if slot >= 0:
            expected[token] += routed[slot].double() * float(weights[token, choice])
    found = combine_reference(shared, routed, slots, weights)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)
