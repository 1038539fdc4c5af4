from dataclasses import replace

import pytest
import torch

from benchmarks.serving import afd_slice
from benchmarks.serving.afd_slice import Result
from benchmarks.serving.slice.config import SliceConfig

H100 = "NVIDIA H100 80GB HBM3"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_without_two_gpus_one_line_says_so(count, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(SystemExit) as stopped:
        afd_slice.main([])
    text = str(stopped.value)
    assert text == f"{count} CUDA devices are visible; the slice takes 2"


@pytest.mark.parametrize(
    ("changed", "device", "expected"),
    [
        ({}, H100, ""),
        ({}, "NVIDIA H200", "/h200"),
        ({"balanced": True}, H100, "/balanced"),
        ({"wire_bytes_per_second": 0}, H100, "/nvlink"),
        ({"wire_bytes_per_second": 40e9}, H100, "/40GBps"),
        ({"context": 8192}, H100, "/8k"),
        ({"baseline": True}, H100, "/baseline"),
        ({"balanced": True, "context": 8192}, "NVIDIA H200", "/h200/balanced/8k"),
    ],
)
def test_only_the_case_asked_for_has_the_bare_name(changed, device, expected):
    assert afd_slice.suffix(replace(SliceConfig(), **changed), device) == expected


def test_a_row_carries_the_wall_clock_rate_and_the_spread_of_the_steps():
    seconds = [0.030] * 90 + [0.060] * 10
    result = Result(SliceConfig(batch=128), seconds, 5000.0, 7)
    assert result.tpot == pytest.approx(0.033)
    row = afd_slice.measurement(result, "checked", H100)
    assert row.metric == "serving.afd_slice_tokens_per_s_per_gpu"
    assert (row.value, row.unit, row.n) == (5000.0, "tokens/s/GPU", 100)
    assert (row.low, row.high) == (pytest.approx(192 / 0.060), pytest.approx(192 / 0.030))
    assert "p99 60.00" in row.notes
    assert "7 replaced" in row.notes
    assert row.notes.endswith(afd_slice.CAVEAT)
