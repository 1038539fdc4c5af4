"""GQA, MFA and windows."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.cost.grouped_query_attention import GroupedQueryAttention
from regard.serving.cost.precision import Precision

LAYER = GroupedQueryAttention(
    layers=3,
    hidden=64,
    heads=8,
    kv_heads=2,
    key_dim=16,
    value_dim=8,
    kv_precision=Precision.BF16,
)


def total(terms: object) -> float:
    return sum(each.value for each in terms)  # type: ignore[attr-defined]


@given(context=st.integers(1, 10**6), window=st.integers(1, 10**6))
def test_a_window_never_costs_more_and_stops_growing(context: int, window: int) -> None:
    windowed = dataclasses.replace(LAYER, window=window)
    assert total(windowed.kv_bytes(context)) == total(LAYER.kv_bytes(min(context, window)))
    assert total(windowed.attention_flops(context)) <= total(LAYER.attention_flops(context))


@given(context=st.integers(1, 10**6))
def test_intensity_is_the_group_over_the_bytes(context: int) -> None:
    flops, read = total(LAYER.attention_flops(context)), total(LAYER.kv_bytes(context))
    assert flops / read == pytest.approx(2 * 8 / 2 / 2)


def test_a_low_rank_query_has_two_matrices() -> None:
    mfa = dataclasses.replace(LAYER, query_rank=4)
    assert [each.name for each in mfa.projections()][:2] == ["query down", "query up"]
    assert mfa.family == "MFA"
    assert dataclasses.replace(LAYER, window=5).family == "GQA window 5"
