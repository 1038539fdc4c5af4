"""What all kinds of attention share."""

from regard.serving.cost.architectures import preset
from regard.serving.cost.attention import fused_shapes, linear_flops


def test_matrices_that_read_the_same_run_as_one() -> None:
    (mfa,) = preset("step3").architecture.attention
    assert fused_shapes(mfa.projections()) == [(7168, 2560), (2048, 16384), (16384, 7168)]


def test_linear_flops_are_two_for_each_weight_of_each_layer() -> None:
    (mfa,) = preset("step3").architecture.attention
    weights = sum(each.inputs * each.outputs for each in mfa.projections())
    assert sum(each.value for each in linear_flops(mfa)) == 2 * 61 * weights
    assert round(weights / 1e6, 1) == 169.3
