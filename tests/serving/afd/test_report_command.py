import json
from pathlib import Path

import pytest

from regard import cli
from regard.serving.afd.report_command import layers_of, main
from regard.serving.afd.simulation.config import Straggler
from regard.serving.afd.trace import TraceError
from regard.serving.afd.trace_file import write_trace
from tests.serving.afd.traces import noisy_config, simulated_trace


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    slow = (Straggler("attention", 1, 1.3),)
    trace = simulated_trace(noisy_config(num_steps=3, stragglers=slow))
    path = tmp_path_factory.mktemp("trace") / "run.json"
    write_trace(path, trace.spans, trace.info)
    return path


def test_a_report_names_straggler_and_bound_and_draws_a_step(
    file: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main([str(file)]) == 0
    printed = capsys.readouterr().out
    assert "2A2F, 10 layers, 3 micro-batches, simulated" in printed
    assert "6 steps: median" in printed
    assert "straggler: attention1, 1.3" in printed
    assert "no straggler; slowest: ffn" in printed
    assert "bound: attention: of a step of" in printed
    assert "layers 3 to 5" in printed
    assert "000" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_json_has_all_figures(file: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(file), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["info"]["source"] == "simulation"
    assert data["step"]["median_us"] > 0
    assert data["workers"][0]["stages"]["attention"]["p99_us"] > 0
    assert data["straggling"][0]["worker"] == "attention1"
    assert data["bound"]["resource"] == "attention"


def test_a_step_is_drawn_into_a_file(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    drawing = tmp_path / "step.svg"
    assert main([str(file), "--svg", str(drawing), "--step", "1", "--layers", "2:4"]) == 0
    assert "step 1 of attention0, layers 2 to 3" in drawing.read_text()
    assert "layers 2 to 3" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["3", "3:", ":4", "4:4", "a:b", "-1:3"])
def test_layers_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(TraceError, match="FIRST:END"):
        layers_of(text)


def test_another_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert cli.main(["afd", "report", str(other)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "other.json" in line
