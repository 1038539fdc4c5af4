import pytest

from benchmarks.serving.full.stage_rows import find_stage
from benchmarks.serving.full.stages import STAGES, stage_metric
from regard.common.rows import ResultRow
from tests.benchmarks.full.cases import whole


def rows(stage, times, **changes):
    return [
        ResultRow(
            metric=stage_metric(whole(1, 3, batch=batch, **changes), stage), value=time, unit="us",
            n=1, low=None, high=None, command="c", commit="c", device="GPU", versions={}, seed=0,
            date="2026-01-01",
        )
        for batch, time in times
    ]  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_a_row_of_the_size_is_taken_and_the_newest_counts(stage):
    found = find_stage(
        whole(1, 3, batch=128), stage, rows(stage, [(64, 1.0), (128, 5.0), (128, 7.0), (192, 99.0)])
    )
    assert found.microseconds == 7.0
    assert found.is_measured


@pytest.mark.parametrize("stage", [each for each in STAGES if each != "attention"])
def test_between_two_sizes_lies_a_straight_line(stage):
    found = find_stage(whole(1, 3, batch=160), stage, rows(stage, [(128, 10.0), (192, 30.0)]))
    assert found.microseconds == pytest.approx(20.0)
    assert not found.is_measured


def test_attention_goes_by_the_rows_of_a_part_and_the_number_of_parts():
    known = rows("attention", [(128, 100.0), (360, 300.0)])
    # 304 are two parts of 152; 360 were two of 180.
    found = find_stage(whole(1, 3, batch=304), "attention", known)
    assert found.microseconds == pytest.approx(2 * (100 + 50 * 24 / 52))
    # 640 are four parts of 160.
    found = find_stage(whole(1, 3, batch=640), "attention", known)
    assert found.microseconds == pytest.approx(4 * (100 + 50 * 32 / 52))


@pytest.mark.parametrize("stage", STAGES)
def test_beyond_the_sizes_nothing_is_said(stage):
    known = rows(stage, [(128, 10.0), (160, 30.0)])
    assert find_stage(whole(1, 3, batch=64), stage, known) is None
    assert find_stage(whole(1, 3, batch=176), stage, known) is None
    assert find_stage(whole(1, 3, batch=64), stage, []) is None


def test_other_contexts_and_topologies_say_nothing():
    around = [(64, 10.0), (192, 30.0)]
    case = whole(1, 3, batch=128)
    assert find_stage(case, "attention", rows("attention", around, context=8192)) is None
    other = whole(1, 4, batch=128)
    for stage in STAGES:
        assert find_stage(other, stage, rows(stage, around)) is None


def test_experts_rows_count_the_tokens_of_all_attention_gpus():
    # One attention GPU's 504 tokens are three GPUs' 168.
    known = rows("experts", [(504, 70.0)])
    wanted = whole(3, 3, batch=168)
    assert find_stage(wanted, "experts", known).microseconds == 70.0
