import numpy as np
import pytest

from regard.serving.bench.client import TimedAnswer
from regard.serving.bench.summary import latency, summarise


def answer(tokens, ttft, e2e):
    return TimedAnswer(prompt_tokens=10, output_tokens=tokens, ttft_seconds=ttft, e2e_seconds=e2e)


def test_counts_and_rates_are_of_completed_requests_over_the_duration():
    failed = [TimedAnswer(error="full"), TimedAnswer(error="full"), TimedAnswer(error="gone")]
    summary = summarise([answer(5, 1.0, 3.0), answer(3, 2.0, 3.0), *failed], 4.0)
    assert (summary.completed, summary.failed) == (2, 3)
    assert summary.errors == {"full": 2, "gone": 1}
    assert (summary.input_tokens, summary.output_tokens) == (20, 8)
    assert summary.requests_per_second == 0.5
    assert summary.output_tokens_per_second == 2.0
    assert summary.total_tokens_per_second == 7.0
    assert summary.ttft_seconds.mean == 1.5
    assert summary.tpot_seconds.mean == 0.5
    assert summary.e2e_seconds.p99 == 3.0


def test_one_token_has_no_time_per_token():
    summary = summarise([answer(1, 1.0, 1.0), answer(3, 1.0, 2.0)], 2.0)
    assert summary.tpot_seconds.p50 == summary.tpot_seconds.p99 == 0.5
    assert summarise([answer(1, 1.0, 1.0)], 2.0).tpot_seconds is None


def test_without_an_answer_there_is_no_latency():
    summary = summarise([TimedAnswer(error="gone")], 1.0)
    assert summary.ttft_seconds is summary.tpot_seconds is summary.e2e_seconds is None
    assert summary.requests_per_second == 0.0


def test_percentiles_are_numpy_s():
    values = np.random.default_rng(0).exponential(1.0, 777).tolist()
    found = latency(values)
    wanted = np.percentile(values, [50, 90, 99])
    assert [found.p50, found.p90, found.p99] == pytest.approx(wanted.tolist())
