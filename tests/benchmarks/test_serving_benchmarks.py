"""The short forms of the long benchmarks, and what they compute from what they measure."""

import numpy as np
import pytest

from benchmarks.serving import (
    afd_link_delay,
    compare_cpu,
    cost_prediction,
    fast_vs_exact,
    mixed_load,
    prefix_cache,
    soak,
)
from regard.serving.afd.trace import Span
from regard.serving.llm import Completion
from regard.serving.outputs import TokenLogprobs


@pytest.mark.slow
def test_a_quarter_of_a_minute_of_soak_loses_nothing():
    assert soak.main(["--minutes", "0.25"]) == 0


@pytest.mark.slow
def test_fast_mode_leaves_exact_mode_only_at_near_ties():
    assert fast_vs_exact.main(["--prompts", "6", "--num-tokens", "24"]) == 0


@pytest.mark.slow
def test_a_cached_prompt_answers_four_times_sooner(capsys):
    assert prefix_cache.main(["--prompts", "2"]) == 0
    assert float(capsys.readouterr().out.split()[1]) <= 0.25


def test_the_gap_is_that_of_exact_mode_where_the_answers_first_differ():
    def answer(tokens, gaps):
        entries = [
            TokenLogprobs(t, -1.0, ((t, -1.0), (0, -1.0 - gap)))
            for t, gap in zip(tokens, gaps, strict=True)
        ]
        return Completion("", 0, "", tuple(tokens), tuple(entries), "length", 0)

    exact = answer([5, 6, 7], [3.0, 0.04, 2.0])
    assert fast_vs_exact.divergence_gap(exact, exact) is None
    fast = answer([5, 9, 9], [3.0, 1.0, 1.0])
    assert fast_vs_exact.divergence_gap(exact, fast) == pytest.approx(0.04)


def test_the_prompts_of_the_comparisons_differ():
    assert len(set(fast_vs_exact.prompts(200))) == 200
    assert len(set(compare_cpu.prompts(16))) == 16


def test_ratios_are_taken_repeat_by_repeat():
    speeds = {("regard", 1): [100.0, 50.0, 80.0], ("llama_cpp", 1): [50.0, 25.0, 40.0]}
    rows = {
        row.metric: row
        for row in compare_cpu.summarise(speeds, dict.fromkeys(("regard", "llama_cpp"), 10))
    }
    ratio = rows["serving.cpu_decode_ratio.regard_over_llama_cpp.1"]
    assert (ratio.value, ratio.low, ratio.high, ratio.n) == (2.0, 2.0, 2.0, 3)
    assert rows["serving.cpu_decode_tokens_per_s.regard.1"].value == 80.0


def test_the_row_of_mixed_load_is_the_median_of_the_rounds():
    rounds = [np.r_[np.ones(98), [worst] * 2] for worst in (3.0, 1.5, 2.0)]
    row = mixed_load.summarise(rounds, [1, 2, 3], cap="capped")
    assert row.value == pytest.approx(2.0)
    assert row.low == pytest.approx(1.5)
    assert row.high == pytest.approx(3.0)
    assert "6 prompts" in row.notes


def test_a_delayed_step_is_compared_with_one_micro_batch_of_the_same_turn():
    measured = afd_link_delay.Measured(
        setup="a model",
        stage_us=500.0,
        predicted_ms={(1, 1.0): [44.0, 56.0, 44.0], (3, 1.0): [22.0] * 3},
        step_ms={(1, 1.0): [40.0, 50.0, 40.0], (3, 1.0): [20.0, 25.0, 24.0]},
    )
    rows = {
        row.metric.removeprefix("serving.afd_"): row for row in afd_link_delay.summarise(measured)
    }
    assert rows["step_over_one/3_microbatches/delay_1"].value == pytest.approx(0.5)
    assert rows["simulation_error/1_microbatches/delay_1"].value == pytest.approx(0.1)
    assert "step_over_one/1_microbatches/delay_1" not in rows


def test_only_steps_in_which_every_request_decodes_are_timed():
    def span(step, stage, rows):
        return Span("attention0", stage, step, 0, 0, rows, 0, 1)

    full = afd_link_delay.NUM_REQUESTS
    spans = [
        span(0, "other", 3 * full),
        span(0, "attention", 3 * full),
        span(1, "attention", full // 3),
        span(1, "other", full),
    ]
    assert {each.step for each in afd_link_delay.decoding_steps(spans)} == {1}


def test_the_planner_is_within_15_percent_of_what_the_report_measured():
    rows = cost_prediction.summarise()
    assert [row.metric.rpartition("/")[2] for row in rows] == ["2A2F", "3A2F", "4A2F"]
    assert all(abs(row.value) <= 0.15 for row in rows)
