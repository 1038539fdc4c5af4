"""Collecting successes, whatever comes in between."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from regard.cloth.demonstrations import collection
from regard.cloth.demonstrations.collection import collect, episode_seed
from regard.cloth.demonstrations.dataset import read_dataset
from regard.cloth.demonstrations.recording import Recording
from regard.cloth.demonstrations.settings import DemonstrationSettings
from regard.cloth.errors import ClothError

SETTINGS = DemonstrationSettings(task="fold-diagonal", policy="scripted", engine="xpbd")


@pytest.fixture
def recorded(monkeypatch):
    """Replaces recording: every third episode fails; lists what was recorded."""
    numbers = []

    def record(settings, number):
        numbers.append(number)
        return Recording(
            seed=episode_seed(settings, number),
            is_success=number % 3 != 0,
            observations=np.full((3, 97), number, np.float32),
            actions=np.zeros((2, 6), np.float32),
            rewards=np.array([0.1, 1.0]),
            terminations=np.array([False, True]),
            performances=np.array([0.0, 0.5, 0.9]),
        )

    monkeypatch.setattr(collection, "_record", record)
    return numbers


def collect_quietly(count, directory):
    return collect(SETTINGS, count, directory, workers=1, advance=lambda amount: None)


def episodes(path):
    return [int(episode.observations[0, 0]) for episode in read_dataset(path).iterate_episodes()]


def test_successes_and_failures_are_kept_apart(recorded, tmp_path):
    collected = collect_quietly(4, tmp_path)
    assert episodes(collected.dataset) == [1, 2, 4, 5]
    assert episodes(collected.failures) == [0, 3]
    assert (collected.num_successes, collected.num_failures) == (4, 2)


def test_nothing_is_recorded_twice_when_an_interrupted_collection_goes_on(
    recorded, tmp_path, monkeypatch
):
    whole = collection._record

    def interrupted(settings, number):
        if number == 3:
            raise KeyboardInterrupt
        return whole(settings, number)

    monkeypatch.setattr(collection, "_record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        collect_quietly(4, tmp_path)
    monkeypatch.setattr(collection, "_record", whole)
    collected = collect_quietly(4, tmp_path)
    assert episodes(collected.dataset) == [1, 2, 4, 5]
    kept = {int(path.stem) for path in tmp_path.glob("episodes/*/*/*.npz")}
    assert kept >= {0, 1, 2, 3, 4, 5}
    assert len(recorded) <= len(set(recorded)) + 2  # Two may have been under way, unsaved.


def test_a_finished_collection_is_not_recorded_again(recorded, tmp_path):
    collect_quietly(4, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("episodes/*/*/*.npz")}
    collect_quietly(2, tmp_path)
    for path in tmp_path.glob("episodes/*/*/*.npz"):
        if path.name in before:
            assert path.stat().st_mtime_ns == before[path.name]


def test_more_successes_are_added_to_those_that_are_there(recorded, tmp_path):
    collect_quietly(2, tmp_path)
    assert episodes(collect_quietly(5, tmp_path).dataset) == [1, 2, 4, 5, 7]


def test_each_new_success_is_reported(recorded, tmp_path):
    told = []
    collect(SETTINGS, 3, tmp_path, workers=1, advance=told.append)
    assert told == [1, 1, 1]


def test_a_policy_that_never_succeeds_is_given_up(recorded, tmp_path, monkeypatch):
    always = collection._record
    monkeypatch.setattr(
        collection, "_record", lambda *args: always(*args)._replace(is_success=False)
    )
    with pytest.raises(ClothError, match="succeeded in 0 of 50"):
        collect_quietly(1, tmp_path)


def test_a_foreign_directory_is_refused_before_anything_is_recorded(recorded, tmp_path):
    (tmp_path / SETTINGS.dataset_name).mkdir(parents=True)
    with pytest.raises(ClothError, match="no Minari dataset"):
        collect_quietly(1, tmp_path)
    assert recorded == []


def test_killed_onesof_demonstrations_are_not_those_of_evaluations():
    from regard.cloth.evaluation import rollout

    demonstrated = {episode_seed(SETTINGS, number) for number in range(50)}
    evaluated = {rollout.episode_seed(SETTINGS.seed, number) for number in range(50)}
    assert len(demonstrated) == 50
    assert not demonstrated & evaluated


def test_a_real_episode_is_recorded(tmp_path):
    collected = collect_quietly(1, tmp_path)
    assert read_dataset(collected.dataset).total_episodes == 1


@pytest.mark.slow
def test_the_same_killed_onescome_from_two_processes(tmp_path):
    one = collect_quietly(2, tmp_path / "one")
    two = collect(SETTINGS, 2, tmp_path / "two", workers=2, advance=lambda amount: None)
    for a, b in zip(
        read_dataset(one.dataset).iterate_episodes(),
        read_dataset(two.dataset).iterate_episodes(),
        strict=True,
    ):
        assert np.array_equal(a.observations, b.observations)
        assert np.array_equal(a.actions, b.actions)


@pytest.mark.slow
def test_a_killed_recording_is_continued_to_the_same_dataset(tmp_path):
    script = (
        "import sys; from regard.cloth.demonstrations.command import main; "
        "main(['--task', 'fold-diagonal', '--policy', 'scripted', '--engine', 'xpbd', "
        "'--successes', '30', '--out', sys.argv[1]])"
    )
    killed = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", script, str(killed)])
    deadline = time.monotonic() + 120
    while len(list(killed.glob("episodes/*/*/*.npz"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    written = {path: path.stat().st_mtime_ns for path in killed.glob("episodes/*/*/*.npz")}
    assert not (killed / SETTINGS.dataset_name).exists()
    continued = collect_quietly(30, killed)
    whole = collect_quietly(30, tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == before for path, before in written.items())
    killed_ones = [
        episode.observations for episode in read_dataset(continued.dataset).iterate_episodes()
    ]
    whole_ones = [
        episode.observations for episode in read_dataset(whole.dataset).iterate_episodes()
    ]
    assert len(killed_ones) == 30
    assert all(np.array_equal(a, b) for a, b in zip(killed_ones, whole_ones, strict=True))
