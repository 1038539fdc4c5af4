"""The benchmark of recording demonstrations."""

from pathlib import Path

from benchmarks.cloth.demonstrations import main, measurement
from regard.cloth.demonstrations.collection import Collected
from regard.cloth.demonstrations.settings import DemonstrationSettings


def test_the_row_tells_successes_and_failures():
    row = measurement(
        DemonstrationSettings(task="fold-axis", policy="nmpc"),
        Collected(Path("a"), Path("b"), 100, 25),
        seconds=200.0,
        cpu_seconds=375.0,
        workers=2,
    )
    assert row.metric == "cloth_demonstration_seconds/fold-axis/nmpc"
    assert (row.value, row.unit, row.n) == (200.0, "s", 100)
    assert "100 successes of 125 episodes, 25 failures" in row.notes
    assert "3.0 CPU seconds an episode" in row.notes


def test_it_records_and_prints(capsys):
    arguments = ["--policy", "scripted_noisy", "--engine", "xpbd", "--successes", "1"]
    assert main([*arguments, "--workers", "1"]) == 0
    assert "for 1 successes of" in capsys.readouterr().out
