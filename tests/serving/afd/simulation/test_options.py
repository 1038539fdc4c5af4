from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from regard.serving.afd.simulation.config import Straggler
from regard.serving.afd.simulation.events import simulate_events
from regard.serving.afd.simulation.options import SimulateOptions, straggler_of
from regard.serving.afd.simulation.presets import PRESETS
from regard.serving.afd.simulation.stage_time import LinkTime, SimulationError, StageTime
from regard.serving.afd.trace import Span
from regard.serving.afd.trace_file import TraceInfo, write_trace
from tests.serving.afd.simulation.configs import small_config


def test_options_become_a_configuration() -> None:
    config = SimulateOptions(
        attention=2,
        ffn=3,
        layers=4,
        microbatches=1,
        rows=8,
        attention_us=100,
        attention_us_per_row=2,
        ffn_us=50,
        link_us=20,
        link_back_us=30,
        jitter=0.1,
        straggler=("1.2@1", "1.5@ffn2"),
        steps=7,
        seed=5,
        lock_step=True,
    ).config
    assert config.topology == "2A3F"
    assert config.attention == StageTime.linear(100, 2, 0.1)
    assert config.ffn == StageTime.linear(50, 0, 0.1)
    assert (config.link_out, config.link_back) == (LinkTime(20), LinkTime(30))
    assert config.stragglers == (Straggler("attention", 1, 1.2), Straggler("ffn", 2, 1.5))
    assert (config.num_steps, config.seed, config.lock_step, config.rows) == (7, 5, True, 8)


def test_a_bandwidth_is_a_time_for_each_row() -> None:
    config = SimulateOptions(
        attention_us=1,
        ffn_us=1,
        link_us=5,
        link_gigabytes_per_second=50,
        bytes_out=7392,
        bytes_back=14336,
        link_jitter=0.2,
    ).config
    assert config.link_out == LinkTime(5, 7392 / 50_000, 0.2)
    assert config.link_back.us_per_row == pytest.approx(14336 / 50_000)


def test_a_batch_is_divided_over_the_micro_batches_and_padded() -> None:
    options = SimulateOptions(attention_us=1, ffn_us=1, batch=16, microbatches=3)
    assert options.config.rows == 6


def test_every_preset_is_an_option_and_can_be_overridden() -> None:
    allowed, _ = get_args(get_type_hints(SimulateOptions)["preset"])
    assert set(get_args(allowed)) == set(PRESETS)
    options = SimulateOptions(preset="step3-2a2f-4k", microbatches=2, add_link_us=10)
    assert options.config.num_microbatches == 2
    assert options.config.num_layers == 61
    assert options.config.link_out == LinkTime(91, constant_us=10)
    assert options.config.lock_step
    assert options.num_gpus_per_instance == 8


def test_a_trace_gives_times_and_topology(tmp_path: Path) -> None:
    spans: list[Span] = []
    simulate_events(small_config(num_steps=3), spans)
    path = tmp_path / "run.json"
    info = TraceInfo(source="run", num_attention=1, num_ffn=1, num_layers=2, num_microbatches=2)
    write_trace(path, spans, info)
    config = SimulateOptions(from_trace=path, attention=3, add_link_us=1).config
    assert config.topology == "3A1F"
    assert config.attention.median_us(4) == 10
    assert config.link_out.total_delay_us == 4


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, "--attention-us and --ffn-us"),
        ({"preset": "step3-2a2f-4k", "from_trace": Path("x")}, "give one"),
        ({"attention_us": 1, "ffn_us": 1, "rows": 1, "batch": 2}, "give one"),
        ({"attention_us": 1, "ffn_us": 1, "link_gigabytes_per_second": 5}, "--bytes-out"),
        ({"attention_us": 1, "ffn_us": 1, "microbatches": 0, "batch": 4}, "0 micro-batches"),
        ({"attention_us": -1, "ffn_us": 1}, "negative"),
        ({"attention_us": 1, "ffn_us": 1, "jitter": -0.1}, "negative"),
    ],
)
def test_what_cannot_be_is_said(changes: dict, named: str) -> None:
    with pytest.raises(SimulationError, match=named):
        _ = SimulateOptions(**changes).config


@pytest.mark.parametrize("text", ["1.2", "1.2@", "@3", "x@3", "1.2.3@3", "1.2@router1", "."])
def test_a_straggler_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(SimulationError, match="FACTOR@WORKER"):
        straggler_of(text)
