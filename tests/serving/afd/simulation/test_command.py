import json
from pathlib import Path

import pytest

from regard import cli
from regard.serving.afd.simulation.command import main, num_traced_spans
from regard.serving.afd.simulation.events import simulate_events
from regard.serving.afd.simulation.stage_time import SimulationError
from regard.serving.afd.trace import Span
from regard.serving.afd.trace_file import read_trace
from tests.serving.afd.simulation.configs import small_config
from tests.serving.afd.trace_rules import broken_rules

BASE = ["--attention-us", "240", "--ffn-us", "200", "--link-us", "90", "--layers", "4"]


def test_a_prediction_is_printed_and_called_simulated(capsys: pytest.CaptureFixture) -> None:
    assert main([*BASE, "--microbatches", "1"]) == 0
    printed = capsys.readouterr().out
    assert "simulated, nothing was run" in printed
    assert f"{4 * (240 + 200 + 180) / 1000:.3f}" in printed
    assert "a micro-batch alone would need 100 %" in " ".join(printed.split())


def test_json_has_a_result_for_each_point_of_a_sweep(capsys: pytest.CaptureFixture) -> None:
    arguments = ["--sweep", "microbatches=1,2", "link_us=0,90", "--gpus-per-instance", "8"]
    assert main([*BASE, *arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["simulated"] is True
    assert [each["swept"] for each in data["results"]] == [
        {"microbatches": m, "link_us": link} for m in (1, 2) for link in (0, 90)
    ]
    first = data["results"][0]
    assert first["step_ms"] == pytest.approx(4 * 0.44)
    assert first["tokens_per_second_per_gpu"] == pytest.approx(first["tokens_per_second"] / 16)


def test_a_sweep_is_a_table_that_fits_a_terminal(capsys: pytest.CaptureFixture) -> None:
    assert main(["--preset", "step3-2a2f-4k", "--sweep", "microbatches=1,2,3,4"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("2A2F") == 4
    assert "…" not in printed
    assert "link*" in printed


def test_a_simulated_timeline_is_a_trace(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "simulated.json"
    arguments = ["--attention", "2", "--ffn", "2", "--steps", "2", "--jitter", "0.1"]
    assert main([*BASE, *arguments, "--trace", str(path)]) == 0
    trace = read_trace(path)
    assert trace.info.source == "simulation"
    assert trace.info.topology == "2A2F"
    assert broken_rules(json.loads(path.read_text())) == []
    assert {span.stage for span in trace.spans} == {
        "attention",
        "feed_forward",
        "send",
        "receive",
        "wait",
        "other",
    }


def test_the_number_of_traced_spans_is_known_beforehand() -> None:
    config = small_config(num_attention=3, num_ffn=2, num_steps=2)
    spans: list[Span] = []
    simulate_events(config, spans)
    assert num_traced_spans(config) == len(spans)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--sweep", "microbatches=1,2"], "sweep of 2 points"),
        (["--attention", "500", "--ffn", "500"], "lower --steps"),
    ],
)
def test_a_trace_that_cannot_be_is_refused(
    arguments: list[str], named: str, tmp_path: Path
) -> None:
    with pytest.raises(SimulationError, match=named):
        main([*BASE, *arguments, "--trace", str(tmp_path / "trace.json")])


def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["afd", "simulate", *BASE, "--straggler", "1.5@ffn7"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "ffn7" in line
