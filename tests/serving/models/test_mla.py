"""Beside test_attention_contract.py, which holds MLA to its formula."""

import pytest
import torch

from regard.serving.models.mla import PerHead
from regard.serving.models.numerics import choose_numerics


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_each_head_is_multiplied_by_its_own_matrix(mode):
    weights, x = torch.randn(3, 5, 4), torch.randn(7, 3, 4)
    out = PerHead(weights, choose_numerics(mode, "cpu", "auto"))(x)
    for head in range(3):
        expected = x[:, head].double() @ weights[head].double().T
        torch.testing.assert_close(out[:, head].double(), expected, rtol=1e-5, atol=1e-5)
