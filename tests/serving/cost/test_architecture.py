"""The whole decoder: sums over kinds of layers, parameters, refusals."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.cost.architectures import preset, preset_names
from regard.serving.cost.errors import CostError


@given(model=st.sampled_from(preset_names()), context=st.integers(1, 10**6))
def test_derivations_add_up_and_name_what_they_multiply(model: str, context: int) -> None:
    architecture = preset(model).architecture
    for derivation in (
        architecture.kv_bytes(context),
        architecture.attention_flops(context),
        architecture.linear_flops(),
        architecture.ffn_flops(),
    ):
        assert derivation.value == pytest.approx(sum(each.value for each in derivation.terms))
        assert len(derivation.lines()) >= 1 + 2 * len(derivation.terms)


def test_a_tied_head_is_counted_once() -> None:
    step3 = preset("step3").architecture
    tied = dataclasses.replace(step3, tied=True)
    assert step3.parameters - tied.parameters == 128815 * 7168


def test_a_sequence_keeps_what_it_reads_where_attention_is_full() -> None:
    step3 = preset("step3").architecture
    assert step3.cached_bytes(4096) == step3.kv_bytes(4096).value == 512 * 61 * 4096


def test_sparse_attention_reads_less_than_it_keeps() -> None:
    sparse = preset("deepseek-v3.2").architecture
    assert sparse.kv_bytes(65536).value < 0.4 * sparse.cached_bytes(65536)


def test_halves_of_different_depth_are_refused() -> None:
    step3 = preset("step3").architecture
    with pytest.raises(CostError, match="61 attention layers and 5 feed-forward layers"):
        dataclasses.replace(step3, feed_forward=step3.feed_forward[:1])


@pytest.mark.parametrize("context", [0, -1])
def test_no_context_is_refused(context: int) -> None:
    with pytest.raises(CostError, match=f"context is {context}"):
        preset("step3").architecture.kv_bytes(context)
