"""Dense layers and experts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.cost.feed_forward import DenseFeedForward, MoeFeedForward


def test_step3s_experts() -> None:
    moe = MoeFeedForward(
        layers=56, hidden=7168, intermediate=5120, experts=48, active=3, shared_intermediate=5120
    )
    assert moe.sparsity == pytest.approx(4 / 49)
    (flops,) = moe.flops()
    assert flops.value == 2 * 56 * 4 * 3 * 7168 * 5120
    assert "router" in str(flops.rule)
    assert moe.parameters() == 56 * (49 * 3 * 7168 * 5120 + 48 * 7168)


@given(experts=st.integers(1, 512), shared=st.integers(0, 4), data=st.data())
def test_what_is_active_is_a_part(experts: int, shared: int, data: st.DataObject) -> None:
    active = data.draw(st.integers(1, experts))
    moe = MoeFeedForward(
        layers=2,
        hidden=8,
        intermediate=4,
        experts=experts,
        active=active,
        shared_intermediate=4 * shared,
    )
    assert 0 < moe.sparsity <= 1
    assert moe.active_parameters() <= moe.parameters()


def test_a_dense_layer_is_all_active() -> None:
    dense = DenseFeedForward(layers=5, hidden=7168, intermediate=18432)
    assert dense.parameters() == dense.active_parameters() == 5 * 3 * 7168 * 18432
    assert sum(each.value for each in dense.flops()) == 2 * dense.parameters()
