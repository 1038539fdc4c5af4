"""Dollars: the report's cells, and what must hold of any model and price."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.cost.accelerators import Accelerator, shipped_accelerators
from regard.serving.cost.analysis import (
    NO_SPECULATION,
    Speculation,
    attention_usd,
    dense_batch,
    minimum_sparsity,
    moe_batch,
    token_cost,
)
from regard.serving.cost.architectures import preset, preset_names
from regard.serving.cost.errors import CostError
from regard.serving.cost.precision import Precision
from tests.serving.cost.paper_cells import ACCELERATOR_CELLS, ACCELERATORS, DOLLAR_CELLS

PRESETS = st.sampled_from(preset_names())


def paper_accelerators() -> list[Accelerator]:
    return [shipped_accelerators()[name] for name in ACCELERATORS]


def cents(values: dict[str, float]) -> tuple[str, ...]:
    return tuple(f"{values[name]:.3f}" for name in ACCELERATORS)


@pytest.mark.parametrize("model", DOLLAR_CELLS)
def test_dollars_are_those_of_the_report(model: str) -> None:
    at_8k, at_32k, ffn, afd = DOLLAR_CELLS[model]
    near, far = (
        token_cost(preset(model).architecture, paper_accelerators(), context)
        for context in (8192, 32768)
    )
    assert cents(dict(near.attention_usd)) == at_8k
    assert cents(dict(far.attention_usd)) == at_32k
    assert cents(dict(near.ffn_usd)) == ffn
    assert (f"{near.afd_usd:.3f}", f"{far.afd_usd:.3f}") == afd


@pytest.mark.parametrize("name", ACCELERATORS)
def test_rooflines_prices_and_sparsities_are_those_of_the_report(name: str) -> None:
    accelerator = shipped_accelerators()[name]
    flop, byte, roofline, sparsity = ACCELERATOR_CELLS[name]
    assert f"{accelerator.usd_per_flop(Precision.FP8):.2e}" == flop
    assert f"{accelerator.usd_per_byte:.2e}" == byte
    assert round(accelerator.roofline(Precision.FP8)) == roofline
    least = minimum_sparsity(accelerator, hidden=7168, layers=61, tpot_seconds=0.05, num_stages=3)
    assert f"{least:.3f}" == sparsity


def test_the_measured_network_asks_for_more_active_experts() -> None:
    least = minimum_sparsity(
        shipped_accelerators()["h800"],
        hidden=7168,
        layers=61,
        tpot_seconds=0.05,
        num_stages=3,
        network_bytes_per_second=8 * 40e9,
    )
    assert f"{least:.3f}" == "0.073"
    moe = preset("step3").architecture.moe
    assert moe is not None
    assert moe.sparsity == pytest.approx(4 / 49)
    assert moe.sparsity > least


def test_batches_for_high_utilisation_are_those_of_the_report() -> None:
    h800 = shipped_accelerators()["h800"]
    assert round(dense_batch(h800, Precision.FP8)) == 296
    assert round(moe_batch(h800, Precision.FP8, 4 / 49)) == 3620


@given(model=PRESETS, context=st.integers(1, 10**6), more=st.integers(0, 10**6))
def test_cost_never_falls_with_context(model: str, context: int, more: int) -> None:
    architecture = preset(model).architecture
    near = token_cost(architecture, paper_accelerators(), context)
    far = token_cost(architecture, paper_accelerators(), context + more)
    assert far.afd_usd >= near.afd_usd
    for name in ACCELERATORS:
        assert far.colocated_usd[name] >= near.colocated_usd[name]


@given(model=PRESETS, context=st.integers(1, 10**6))
def test_the_cheapest_pair_is_never_dearer_than_one_kind(model: str, context: int) -> None:
    cost = token_cost(preset(model).architecture, paper_accelerators(), context)
    assert cost.afd_usd <= min(cost.colocated_usd.values())


@given(model=PRESETS, context=st.integers(1, 10**6), factor=st.floats(0.01, 100))
def test_dollars_are_proportional_to_the_price(model: str, context: int, factor: float) -> None:
    h20 = shipped_accelerators()["h20"]
    other = h20.with_price(0.80 * factor)
    architecture = preset(model).architecture
    first = token_cost(architecture, [h20], context).afd_usd
    assert token_cost(architecture, [other], context).afd_usd == pytest.approx(first * factor)


def test_units_a_second_of_bytes_costs_a_second() -> None:
    h20 = shipped_accelerators()["h20"]
    step3 = preset("step3").architecture
    seconds = step3.kv_bytes(8192).value / h20.memory_bytes_per_second
    seconds += step3.linear_flops().value / h20.flops_per_second(Precision.FP8)
    compute = step3.attention_flops(8192).value / h20.flops_per_second(Precision.FP8)
    assert compute > step3.kv_bytes(8192).value / h20.memory_bytes_per_second
    seconds += compute - step3.kv_bytes(8192).value / h20.memory_bytes_per_second
    assert attention_usd(step3, h20, 8192) == pytest.approx(seconds * 0.80 / 3600 * 1e6)


def test_speculation_shares_the_bytes_but_not_the_arithmetic() -> None:
    h800 = shipped_accelerators()["h800"]
    always = Speculation(num_drafted=1, acceptance=1.0)
    gqa, mla = (preset(name).architecture for name in ("qwen3-235b-a22b", "deepseek-v3"))
    saved_gqa = attention_usd(gqa, h800, 32768, always) / attention_usd(gqa, h800, 32768)
    saved_mla = attention_usd(mla, h800, 32768, always) / attention_usd(mla, h800, 32768)
    assert saved_gqa < 0.55
    assert 0.85 < saved_mla < 1


@given(drafted=st.integers(0, 8), acceptance=st.floats(0, 1))
def test_a_step_keeps_one_token_at_least_and_no_more_than_it_computes(
    drafted: int, acceptance: float
) -> None:
    speculation = Speculation(num_drafted=drafted, acceptance=acceptance)
    assert 1 <= speculation.kept <= speculation.computed + 1e-9


def test_rejected_drafts_cost_more_than_none() -> None:
    h800 = shipped_accelerators()["h800"]
    step3 = preset("step3").architecture
    never = Speculation(num_drafted=2, acceptance=0.0)
    assert token_cost(step3, [h800], 8192, never).afd_usd > token_cost(step3, [h800], 8192).afd_usd
    assert NO_SPECULATION.kept == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: token_cost(preset("step3").architecture, paper_accelerators(), 0), "context is 0"),
        (lambda: token_cost(preset("step3").architecture, [], 1), "no accelerator"),
        (lambda: Speculation(num_drafted=-1, acceptance=0.5), "drafted tokens are -1"),
        (lambda: Speculation(num_drafted=1, acceptance=1.5), "acceptance is 1.5"),
        (lambda: moe_batch(paper_accelerators()[0], Precision.FP8, 0), "sparsity is 0"),
        (
            lambda: minimum_sparsity(
                paper_accelerators()[0], hidden=1, layers=1, tpot_seconds=math.nan, num_stages=3
            ),
            "tpot is nan",
        ),
    ],
)
def test_absurd_numbers_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(CostError, match=message):
        make()
