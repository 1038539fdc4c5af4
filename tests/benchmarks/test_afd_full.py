import json
from types import SimpleNamespace

import pytest
import torch

from benchmarks.serving import afd_full
from benchmarks.serving.full import check
from benchmarks.serving.full.config import SettingError
from benchmarks.serving.full.options import cases, parser, topologies
from benchmarks.serving.full.stages import stage_metric
from regard.common.rows import Measurement
from regard.serving.afd.trace_file import read_trace
from tests.serving.kernels.devices import gpu

__all__ = ["gpu"]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


DRY = ("--model", "step3-mini", "--device", "cpu", "--contexts", "64")


def error_of(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        afd_full.main(arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_the_dry_run_checks_times_and_traces_every_case(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(check, "EXACT_STEPS", 1)
    monkeypatch.setattr(check, "EXACT_PARTS", 4)
    monkeypatch.setattr(check, "NUM_TOKENS", 8)
    sides = ("--attention", "1", "--ffn", "3", "--topologies", "1A1F", "1A3F")
    load = ("--batches", "4", "--microbatches", "1", "2", "--layers", "3", "--steps", "1")
    files = ("--trace", str(tmp_path / "trace.json"), "--log", str(tmp_path / "run.log"))
    assert afd_full.main([*DRY, *sides, *load, *files]) == 0
    printed = capsys.readouterr().out
    for text in ("1A1F, 1A3F: the same", "1A3F, 1 x 4 at 64", "1A3F, 2 x 4 at 64", "GB back"):
        assert text in printed
    logged = (tmp_path / "run.log").read_text().splitlines()
    steps = [json.loads(line) for line in logged if line.startswith("{")]
    assert [each["case"] for each in steps] == ["1A3F/4x1/64/3layers", "1A3F/4x2/64/3layers"]
    assert all(len(each["seconds"]) == 1 for each in steps)
    assert read_trace(tmp_path / "trace.json").info.topology == "1A3F"


def test_predictions_need_no_gpu_and_name_what_is_missing(tmp_path, capsys):
    file = tmp_path / "prediction.json"
    load = ("--batches", "128", "max", "--microbatches", "3", "--contexts", "4096")
    assert afd_full.main(["--predict", str(file), "--results", str(tmp_path), *load]) == 0
    made = json.loads(file.read_text())
    assert [each["case"] for each in made][0] == "4A4F/128x3/4096"
    assert made[0]["simulator_ms"] is None
    assert "missing: ffn_share_us/*" in capsys.readouterr().out


@pytest.mark.parametrize("count", [0, 4])
def test_a_host_with_too_few_gpus_is_refused(count, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert f"4A4F takes 8 CUDA devices; {count} are visible" in error_of(capsys)


def test_gpus_with_too_little_memory_are_refused_before_anything_is_drawn(capsys):
    asked = ("--predict", "p", "--memory", "60", "--batches", "128")
    text = error_of(capsys, *asked)
    assert "GB on each FFN GPU" in text
    assert "the smallest here has 60.0 GB" in text


@pytest.mark.parametrize(
    "trial", [("--device", "cpu"), ("--no-check",), ("--eager",), ("--one-gpu",)]
)
def test_a_trial_writes_no_row(trial, capsys):
    assert "writes no row" in error_of(capsys, "--write", *trial)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--batches", "6"), "multiple of 4"),
        (("--batches", "few"), "give numbers, or max"),
        (("--stages",), "timed on GPUs"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(arguments, said, capsys):
    assert said in error_of(capsys, *DRY, "--layers", "2", *arguments)


@pytest.mark.parametrize("sides", [(4, 4), (5, 3), (1, 3)])
def test_what_is_run_unless_told_otherwise_fits_h200s(sides):
    given = ["--attention", str(sides[0]), "--ffn", str(sides[1])]
    found = cases(parser("").parse_args(given), 141e9)
    assert len(found) == 2 * 3 * 2
    assert {each.batch for each in found} >= {128}
    assert max(each.batch * each.num_microbatches for each in found) > 3 * 192


def test_what_does_not_fit_is_left_out_where_asked():
    given = ["--attention", "1", "--ffn", "3", "--batches", "128", "384", "max", "--fitting"]
    found = cases(parser("").parse_args(given), 141e9)
    at_4k = [(each.batch, each.num_microbatches) for each in found if each.context == 4096]
    assert at_4k == [(128, 1), (384, 1), (900, 1), (128, 2), (384, 2), (444, 2), (128, 3), (296, 3)]
    with pytest.raises(SettingError, match="GB"):
        cases(parser("").parse_args(given[:-1]), 141e9)
    with pytest.raises(SettingError, match="GB"):
        cases(parser("").parse_args([*given[:5], "8836", "--fitting"]), 141e9)


def test_a_run_that_ends_early_leaves_the_rows_of_what_was_done(monkeypatch):
    written = []

    def two_cases(*_):
        yield ["first"]
        raise KeyboardInterrupt

    monkeypatch.setattr(afd_full, "check", lambda *_: "checked")
    monkeypatch.setattr(afd_full, "time_cases", two_cases)
    monkeypatch.setattr(afd_full, "write_rows", lambda _, rows, **__: written.append(rows))
    options = parser("").parse_args([*DRY, "--batches", "4", "--write"])
    with pytest.raises(KeyboardInterrupt):
        afd_full.run(options, lambda *_, **__: None, "command")
    assert written == [["first"]]


def test_a_stage_has_one_row_though_two_contexts_need_it(monkeypatch):
    def measured(config, *_):
        names = (stage_metric(config, each) for each in ("attention", "head"))
        return [Measurement(metric=name, value=1, unit="us", n=1, low=1, high=1) for name in names]

    monkeypatch.setattr(afd_full, "measure_stages", measured)
    options = parser("").parse_args(["--batches", "128", "--microbatches", "1", "2"])
    host = SimpleNamespace(operators=lambda: None, num_devices=1)
    wanted = cases(options, 141e9)
    found = list(afd_full.time_stages(options, wanted, host, lambda *_: None))
    assert [[each.metric.partition("us/")[2] for each in rows] for rows in found] == [
        ["attention/4F/128x4096", "head/4F/128"], ["attention/4F/128x8192"],
    ]  # fmt: skip


def test_a_topology_is_written_with_its_letters():
    with pytest.raises(SettingError, match="2F1A: write it as 4A4F"):
        topologies(parser("").parse_args(["--topologies", "1A3F", "2F1A"]), 8)
    asked = parser("").parse_args(["--attention", "5", "--ffn", "3"])
    assert topologies(asked, 8) == [(1, 1), (1, 3), (5, 3)]
    assert topologies(asked, 4) == [(1, 1), (1, 3)]


def test_a_failed_check_times_nothing(monkeypatch, capsys):
    def fails(*_):
        raise check.CheckError("the layers are wrong")

    monkeypatch.setattr(afd_full, "check_layers", fails)
    assert afd_full.main([*DRY, "--batches", "4"]) == 1
    assert "nothing was timed: the layers are wrong" in capsys.readouterr().err


@pytest.mark.gpu
def test_all_sides_on_one_gpu_pass_the_checks_and_run_as_a_graph(gpu, capsys):
    sides = ("--one-gpu", "--attention", "2", "--ffn", "2", "--topologies", "1A1F", "2A2F")
    load = ("--layers", "6", "--batches", "16", "--microbatches", "2", "--contexts", "512")
    assert afd_full.main([*sides, *load, "--steps", "5"]) == 0
    assert "2A2F, 2 x 16 at 512" in capsys.readouterr().out
