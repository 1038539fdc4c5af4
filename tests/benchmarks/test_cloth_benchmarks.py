"""The cloth benchmarks count every episode once, whoever ran it and whatever was killed."""

import json

import pytest

from benchmarks.cloth import fairness, speed
from regard.cloth.engines.contract import ClothProperties
from regard.cloth.evaluation.rollout import EpisodeResult, Setting
from regard.common.errors import UserError

SETTING = Setting(task="fold-diagonal", policy="do_nothing", engine="xpbd")
ARGUMENTS = ["--tasks", "fold-diagonal", "--policies", "do_nothing", "--engine", "xpbd"]
ARGUMENTS += ["--ranges", "training", "--episodes", "4"]


def lines(folder):
    return (folder / fairness.EPISODES_FILE).read_text().splitlines()


def test_a_stopped_run_goes_on_and_repeats_nothing(tmp_path, capsys):
    assert fairness.main([*ARGUMENTS, "--out", str(tmp_path)]) == 0
    whole = lines(tmp_path)
    printed = capsys.readouterr().out
    assert "cloth_success/fold-diagonal/do_nothing 0.000" in printed
    # Killed in the middle of the third line.
    path = tmp_path / fairness.EPISODES_FILE
    path.write_text("\n".join([*whole[:2], whole[2][:50]]))
    assert fairness.main([*ARGUMENTS, "--out", str(tmp_path)]) == 0
    again = fairness.read_results([tmp_path])
    assert sorted(job.index for job in again) == [0, 1, 2, 3]
    assert [json.loads(line)["result"]["seed"] for line in lines(tmp_path)[:2]] == [
        json.loads(line)["result"]["seed"] for line in whole[:2]
    ]
    assert len(lines(tmp_path)) == 5


def test_parts_run_elsewhere_add_up(tmp_path, capsys):
    first, second = tmp_path / "a", tmp_path / "b"
    assert fairness.main([*ARGUMENTS, "--out", str(first), "--part", "1/2"]) == 0
    assert "2 of 4 episodes done" in capsys.readouterr().out
    assert fairness.main([*ARGUMENTS, "--out", str(second), "--part", "2/2"]) == 0
    capsys.readouterr()
    assert fairness.main([*ARGUMENTS, "--out", str(first), "--from", str(second)]) == 0
    assert "cloth_success/fold-diagonal/do_nothing" in capsys.readouterr().out
    assert len(lines(first)) == len(lines(second)) == 2


def test_episodes_of_another_protocol_are_refused(tmp_path):
    assert fairness.main([*ARGUMENTS, "--out", str(tmp_path)]) == 0
    path = tmp_path / fairness.EPISODES_FILE
    path.write_text(path.read_text().replace(json.loads(lines(tmp_path)[0])["protocol"], "0" * 64))
    with pytest.raises(UserError, match="another protocol"):
        fairness.read_results([tmp_path])


def test_rows_count_successes_and_explosions():
    results = [
        EpisodeResult(
            index=k,
            seed=k,
            is_success=k > 0,
            normalized_performance=0.2 * k,
            reward=1.0,
            steps=30,
            diverged=k == 0,
            num_grasps=2,
            cpu_seconds=3.0,
            coverage=(0.7, 0.85, 0.92, 1.0)[k],
        )
        for k in range(4)
    ]
    success, performance = fairness.measurements(SETTING, results)
    assert (success.value, success.n) == (0.75, 4)
    assert success.low < 0.75 < success.high
    assert performance.value == pytest.approx(0.3)
    assert "1 exploded" in success.notes
    assert "3.0 CPU" in success.notes
    assert "coverage >= 0.80 in 0.750, 0.90 in 0.500, 0.95 in 0.250" in success.notes


def test_a_faster_engine_has_a_larger_real_time_factor():
    class Clock:
        now = 0.0

    class Engine:
        resolution = 5

        def __init__(self, seconds):
            self._seconds = seconds

        def reset(self, properties, positions):
            self.positions = positions

        def advance(self, hold=None):
            Clock.now += self._seconds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed.time, "process_time", lambda: Clock.now)
        factors = {s: speed.real_time_factors(Engine(s), ClothProperties(), 2) for s in (0.01, 0.1)}
    assert factors[0.01] == pytest.approx([10, 10])
    assert factors[0.1] == pytest.approx([1, 1])


@pytest.mark.slow
def test_the_short_speed_benchmark_measures_every_row(capsys):
    assert speed.main(["--repeats", "1", "--seconds", "0.5"]) == 0
    said = capsys.readouterr().out
    assert said.count("cloth_real_time_factor/") == 4
    assert said.count("cloth_control_steps_per_s/") == 4
