import json
import sys
from dataclasses import replace
from types import SimpleNamespace

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


def test_a_row_carries_the_wall_clock_rate_and_the_spread_of_the_steps():
    seconds = [0.030] * 90 + [0.060] * 10
    result = Result(SliceConfig(batch=128), seconds, 5000.0, 7)
    assert result.tpot == pytest.approx(0.033)
    row = afd_slice.measurement(result, "checked", H100, headline=True)
    assert row.metric == "serving.afd_slice_tokens_per_s_per_gpu"
    assert (row.value, row.unit, row.n) == (5000.0, "tokens/s/GPU", 100)
    assert (row.low, row.high) == (pytest.approx(192 / 0.060), pytest.approx(192 / 0.030))
    assert "p99 60.00" in row.notes
    assert "7 replaced" in row.notes
    assert row.notes.endswith(afd_slice.CAVEAT)


def result(milliseconds, **changed):
    config = replace(SliceConfig(), **changed)
    return Result(config, [milliseconds / 1e3] * 3, 1.5 * config.batch * 1e3 / milliseconds, 0)


def test_only_the_best_within_50_ms_has_the_bare_name_and_its_baseline_stands_beside_it():
    results = [
        result(40.0, batch=96),
        result(49.9, batch=128),
        result(58.0, batch=160),
        result(60.0, batch=128, baseline=True),
        result(70.0, batch=160, baseline=True),
    ]
    rows = afd_slice.rows(results, {False: "ours checked", True: "theirs checked"}, H100, "")
    bare = "serving.afd_slice_tokens_per_s_per_gpu"
    assert [each.metric.removeprefix(bare) for each in rows] == [
        "/3x96", "", "/3x160", "/baseline", "/baseline/3x160",
    ]  # fmt: skip
    assert "ours checked" in rows[1].notes
    assert "theirs checked" in rows[3].notes
    assert "FlashAttention-3" in rows[3].notes
    assert all(each.notes.endswith(afd_slice.CAVEAT) for each in rows)


def test_above_50_ms_nothing_has_the_bare_name():
    (row,) = afd_slice.rows([result(58.0, batch=128)], {False: "checked"}, H100, "")
    assert row.metric.endswith("per_gpu/3x128")


def stand_in(monkeypatch, name, **functions):
    monkeypatch.setitem(
        sys.modules, f"benchmarks.serving.slice.{name}", SimpleNamespace(**functions)
    )


@pytest.fixture
def gpus(monkeypatch):
    """Two GPUs that are not there; a run of 128 sequences takes 40 ms a token, of 160 58 ms."""
    checked, ran = [], []

    def run(config, *_, **__):
        ran.append(config)
        return result(40.0 if config.batch == 128 else 58.0, **vars(config))

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: H100)
    # The real ones need triton.
    stand_in(monkeypatch, "baseline", why_unavailable=lambda: None)
    stand_in(monkeypatch, "check", check=lambda config, *_: checked.append(config) or "fine")
    monkeypatch.setattr(afd_slice.evidence, "copy_speeds_of", lambda _: (3e12, 3e12))
    monkeypatch.setattr(afd_slice, "gpu_ids", lambda: "0a1b2c 3d4e5f")
    monkeypatch.setattr(afd_slice, "run", run)
    return checked, ran


def metrics(folder):
    lines = (folder / "serving_slice.jsonl").read_text().splitlines()
    return [json.loads(line)["metric"].partition("per_gpu")[2] for line in lines]


ARGUMENTS = ["--batches", "128", "160", "--write", "--commit", "1" * 40]


def test_the_best_is_run_from_ready_made_kernels_once_all_else_has_run(gpus, tmp_path):
    checked, ran = gpus
    asked = [*ARGUMENTS, "--results", str(tmp_path)]
    asked += ["--beside", "baseline"]
    assert afd_slice.main(asked) == 0
    assert [(each.baseline, each.batch) for each in ran] == [
        (False, 128), (False, 160), (True, 128),
    ]  # fmt: skip
    assert [each.baseline for each in checked] == [False, True]
    assert metrics(tmp_path) == ["", "/3x160", "/baseline"]


def test_the_baseline_may_have_sizes_of_its_own(gpus, tmp_path):
    checked, ran = gpus
    asked = [*ARGUMENTS, "--results", str(tmp_path), "--beside", "baseline"]
    assert afd_slice.main([*asked, "--baseline-batches", "96", "128"]) == 0
    assert [(each.baseline, each.batch) for each in ran[2:]] == [(True, 96), (True, 128)]
    assert [(each.baseline, each.batch) for each in checked] == [(False, 160), (True, 128)]
    # The best is 3 x 128: the same size beside it has the bare name.
    assert metrics(tmp_path) == ["", "/3x160", "/baseline/3x96", "/baseline"]
    with pytest.raises(SystemExit, match="give --beside baseline too"):
        afd_slice.main([*ARGUMENTS, "--baseline-batches", "96"])


def test_a_baseline_that_fails_takes_no_row_with_it(gpus, tmp_path, monkeypatch, capsys):
    def check(config, *_):
        if config.baseline:
            raise SystemExit("the slice is wrong")
        return "fine"

    stand_in(monkeypatch, "check", check=check)
    asked = [*ARGUMENTS, "--results", str(tmp_path), "--beside", "baseline", "nvlink"]
    assert afd_slice.main(asked) == 0
    assert metrics(tmp_path) == ["", "/3x160", "/nvlink"]
    assert "no baseline: the slice is wrong" in capsys.readouterr().out
    (log,) = (tmp_path / "serving_slice").glob("20*/run.log")
    assert "no baseline" in log.read_text()
    assert log.read_text().startswith("GPUs 0a1b2c 3d4e5f\n")


def test_beside_the_best_others_run_and_kernels_are_checked_once(gpus, tmp_path):
    checked, ran = gpus
    asked = [*ARGUMENTS, "--results", str(tmp_path), "--beside", "baseline", "balanced", "40GBps"]
    assert afd_slice.main(asked) == 0
    assert [each.baseline for each in checked] == [False, True]
    assert [each.batch for each in ran] == [128, 160, 128, 128, 128]
    # Ready-made kernels last, whatever was asked for first.
    assert metrics(tmp_path) == ["", "/3x160", "/40GBps", "/balanced", "/baseline"]


def test_a_row_says_what_was_asked_for_and_no_path(gpus, tmp_path):
    afd_slice.main([*ARGUMENTS, "--results", str(tmp_path), "--logs", str(tmp_path / "logs")])
    lines = (tmp_path / "serving_slice.jsonl").read_text().splitlines()
    command = "python -m benchmarks.serving.afd_slice --batches 128 160 --write"
    assert {json.loads(line)["command"] for line in lines} == {command}


def test_a_run_that_fails_leaves_the_rows_of_those_before_it(gpus, tmp_path, monkeypatch):
    def run(config, *_, **__):
        if config.batch == 160:
            raise RuntimeError("an expert had too many tokens")
        return result(40.0, **vars(config))

    monkeypatch.setattr(afd_slice, "run", run)
    with pytest.raises(RuntimeError, match="too many tokens"):
        afd_slice.main([*ARGUMENTS, "--results", str(tmp_path)])
    assert metrics(tmp_path) == [""]


def test_a_faster_wire_does_not_become_the_best():
    found = [result(49.0, batch=128), result(30.0, batch=128, wire_bytes_per_second=0)]
    assert afd_slice.best_of(found, "") is found[0]
    assert afd_slice.best_of(found[1:], "") is None


def test_raw_logs_are_kept_beside_the_rows(tmp_path):
    results = [result(58.0, batch=128), result(60.0, batch=128, baseline=True)]
    afd_slice.keep(tmp_path / "logs", results, H100, "", ["first", "second"])
    assert (tmp_path / "logs" / "run.log").read_text() == "first\nsecond\n"
    assert "3x128" in (tmp_path / "logs" / "pareto.svg").read_text()
