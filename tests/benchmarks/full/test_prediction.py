import pytest

from benchmarks.serving.full.prediction import (
    MADE_BY,
    PROJECTION_BYTES,
    SHARE_BYTES,
    case_name,
    efficiencies,
    kind_of,
    predict_case,
    read_predictions,
    share_at,
    write_predictions,
)
from benchmarks.serving.full.stages import stage_metric
from benchmarks.serving.projections import WEIGHT_BYTES
from regard.common.rows import ResultRow
from regard.serving.cost.precision import Precision
from tests.benchmarks.full.cases import STEP3, whole

H100, H200 = "16 cores; 1x NVIDIA H100 80GB HBM3", "64 cores; 4x NVIDIA H200"
TIMES = {
    "attention": 120.0, "head": 500.0, "experts": 320.0, "dense": 100.0, "trip": 45.0
}  # fmt: skip


def row(metric, value, device=H200):
    return ResultRow(
        metric=metric, value=value, unit="us", n=1, low=None, high=None, command="c", commit="c",
        device=device, versions={}, seed=0, date="2026-01-01",
    )  # fmt: skip


def stage_rows(config, device=H200):
    return [row(stage_metric(config, stage), time, device) for stage, time in TIMES.items()]


KERNELS = [
    row("mfa_decode_us/fp8/128x4096", 101.0, H100),
    row("mfa_decode_us/fp8/64x8192", 104.0, H100),
    row("mfa_decode_us/fp8/ragged", 104.0, H100),
    row("projections_fused_us/128", 80.0, H100),
    row("ffn_share_us/2048", 170.0, H100),
]


def test_a_row_that_is_missing_is_named_and_nothing_is_made_up():
    made = predict_case(whole(), "h200", [])
    assert made.simulator_ms is None
    assert made.planner_ms is None
    text = "\n".join(made.missing)
    for stage in TIMES:
        assert stage_metric(whole(), stage) in text
    for metric in MADE_BY:
        assert metric in text


@pytest.mark.parametrize("stage", TIMES)
def test_each_stage_is_needed(stage):
    rows = [each for each in stage_rows(whole()) if f"/{stage}/" not in each.metric]
    made = predict_case(whole(), "h200", rows)
    assert made.simulator_ms is None
    assert stage_metric(whole(), stage) in made.missing[0]


def test_stages_of_other_gpus_say_nothing():
    made = predict_case(whole(), "h200", stage_rows(whole(), H100))
    assert made.simulator_ms is None
    assert predict_case(whole(), "h100", stage_rows(whole(), H100)).simulator_ms is not None


def test_one_micro_batch_takes_its_trip_and_three_the_busiest_stage():
    one = predict_case(whole(num_microbatches=1), "h200", stage_rows(whole()))
    trip = 61 * (120 + 45) + 56 * 320 + 5 * 100 + 500
    assert one.simulator_ms == pytest.approx(trip / 1e3, rel=1e-6)
    three = predict_case(whole(num_microbatches=3), "h200", stage_rows(whole()))
    busy = 3 * (56 * 320 + 5 * 120) + 3 * 500
    assert three.simulator_ms == pytest.approx(busy / 1e3, rel=0.01)


def test_a_head_begins_while_experts_work_for_the_other_micro_batches():
    config = whole(num_microbatches=3, layers=tuple(range(10, 20)))
    with_heads = predict_case(config, "h200", stage_rows(config))
    rows = [each for each in stage_rows(config) if "/head/" not in each.metric]
    rows.append(row(stage_metric(config, "head"), 0.0))
    without = predict_case(config, "h200", rows)
    # Results come 320 us apart; the first of three heads begins 640 us before the last result.
    more = (with_heads.simulator_ms - without.simulator_ms) * 1e3
    assert more == pytest.approx(3 * 500 - 2 * 320, abs=1)


def test_the_planner_reads_shares_of_speed_from_kernels():
    found, missing = efficiencies(whole(), KERNELS)
    assert missing == []
    assert found.attention[0].share == pytest.approx(128 * 4096 * 512 / 101e-6 / 3.35e12)
    assert found.attention_memory(Precision.FP8, 4096) == found.attention[0].share
    assert found.projection_memory == pytest.approx(PROJECTION_BYTES / 80e-6 / 3.35e12)
    assert found.expert_memory == pytest.approx(SHARE_BYTES / 170e-6 / 3.35e12)
    at_8k, _ = efficiencies(whole(context=8192), KERNELS)
    assert at_8k.attention[0].context == 8192
    in_two, _ = efficiencies(whole(batch=384), KERNELS)
    assert in_two.projection_memory == found.projection_memory / 2
    assert PROJECTION_BYTES == WEIGHT_BYTES


def test_a_share_between_two_sizes_lies_between_theirs():
    rows = [row("ffn_share_us/128", 100.0, H200), row("ffn_share_us/512", 200.0, H200)]
    low, high = (share_at(rows, "ffn_share_us/", size) for size in (128, 512))
    assert low == pytest.approx(2 * high)
    assert share_at(rows, "ffn_share_us/", 256) == pytest.approx((low + high) / 2)
    assert share_at(rows, "ffn_share_us/", 16) == low
    assert share_at(rows, "ffn_share_us/", 4096) == high
    newer = [*rows, row("ffn_share_us/128", 50.0, H200)]
    assert share_at(newer, "ffn_share_us/", 128) == pytest.approx(2 * low)
    assert share_at(rows, "mfa_decode_us/fp8/", 4096) is None


def test_the_planner_lets_experts_bind_as_on_the_issues_host():
    made = predict_case(whole(), "h200", KERNELS)
    # Four FFN GPUs read 1.35 GB a layer, each at the share of an H200's speed that the row gives.
    share = SHARE_BYTES / 170e-6 / 3.35e12
    read = 3 * 7168 * (56 * (48 + 1) * 5120 + 5 * 18432) / 4 / (4.8e12 * share)
    # It adds what arithmetic of the shared expert takes beyond its weights, and the head.
    assert 3 * read * 1e3 < made.planner_ms < 3 * read * 1e3 * 1.25
    assert all("stage" in each for each in made.missing)


def test_a_shortened_model_has_a_name_and_no_planner():
    config = whole(1, 3, num_microbatches=2).shortened(40)
    assert case_name(config) == "1A3F/192x2/4096/40layers"
    made = predict_case(config, "h200", [*KERNELS, *stage_rows(config)])
    assert made.planner_ms is None
    assert made.simulator_ms is not None
    assert "whole ones" in made.missing[0]
    assert STEP3.num_layers == 61


def test_predictions_are_read_as_they_were_written_and_stand_beside_the_measurement(tmp_path):
    made = predict_case(whole(), "h200", [*KERNELS, *stage_rows(whole())])
    write_predictions(tmp_path / "p.json", [made])
    assert read_predictions(tmp_path / "p.json") == {("4A4F/192x3/4096", "h200"): made}
    note = made.note(made.simulator_ms / 1.1)
    assert "simulator" in note
    assert "(+10.0%)" in note
    assert made.date in note
    assert "rows were missing" in predict_case(whole(), "h200", []).note(1.0)


def test_gpus_are_known_by_name():
    assert [kind_of(each) for each in (H100, H200, "CPU")] == ["h100", "h200", None]
