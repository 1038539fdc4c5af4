import pytest
import torch

from regard.serving.kernels.linear.reference import linear_reference


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 64])
def test_equals_the_plain_product(rows):
    torch.manual_seed(rows)
    x, weight = torch.randn(rows, 48), torch.randn(20, 48)
    assert torch.allclose(linear_reference(x, weight), x @ weight.T, rtol=1e-5, atol=1e-5)


def test_a_row_does_not_depend_on_its_neighbours():
    torch.manual_seed(0)
    x, weight = torch.randn(64, 320), torch.randn(100, 320)
    alone = torch.cat([linear_reference(x[i : i + 1], weight) for i in range(64)])
    for rows in range(1, 65):
        assert torch.equal(linear_reference(x[:rows], weight), alone[:rows]), rows
