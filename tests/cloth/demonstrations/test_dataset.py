"""Demonstrations as Minari datasets."""

import json
from dataclasses import replace

import numpy as np
import pytest

from regard.cloth.demonstrations.dataset import read_dataset, write_dataset
from regard.cloth.demonstrations.recording import Recording
from regard.cloth.demonstrations.settings import DemonstrationSettings
from regard.cloth.errors import ClothError

SETTINGS = DemonstrationSettings(task="fold-diagonal", policy="scripted")


def make_recording(seed):
    return Recording(
        seed=seed,
        is_success=True,
        observations=np.full((3, 97), seed, np.float32),
        actions=np.zeros((2, 6), np.float32),
        rewards=np.array([0.1, 1.0]),
        terminations=np.array([False, True]),
        performances=np.array([0.0, 0.5, 0.9]),
    )


@pytest.fixture
def dataset(tmp_path):
    write_dataset(tmp_path, "fold/test-v1", map(make_recording, (5, 6)), SETTINGS)
    return tmp_path / "fold" / "test-v1"


def test_minari_reads_what_was_written(dataset):
    first, second = read_dataset(dataset, SETTINGS).iterate_episodes()
    assert (first.observations == 5).all()
    assert (second.observations == 6).all()
    assert first.actions.shape == (2, 6)
    assert first.rewards.tolist() == [0.1, 1.0]
    assert first.terminations.tolist() == [False, True]
    assert first.infos["normalized_performance"].tolist() == [0.0, 0.5, 0.9]


def test_minari_finds_the_dataset_by_name(dataset, tmp_path, monkeypatch):
    import minari

    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    assert minari.load_dataset("fold/test-v1").total_episodes == 2


def test_a_dataset_is_replaced_as_a_whole(dataset, tmp_path):
    write_dataset(tmp_path, "fold/test-v1", map(make_recording, (7,)), SETTINGS)
    assert read_dataset(dataset).total_episodes == 1
    assert [path.name for path in dataset.parent.iterdir()] == ["test-v1"]


def test_another_seed_is_the_same_kind_of_dataset(dataset):
    assert read_dataset(dataset, replace(SETTINGS, seed=9)).total_episodes == 2


def test_a_dataset_of_another_task_is_refused_with_the_difference(dataset):
    with pytest.raises(ClothError, match="task: fold-diagonal -> flatten"):
        read_dataset(dataset, replace(SETTINGS, task="flatten"))


def test_an_outdated_dataset_is_refused_with_the_difference(dataset):
    path = dataset / "data" / "metadata.json"
    metadata = json.loads(path.read_text())
    identity = json.loads(metadata["regard"])
    identity["protocol"]["episode"]["rest_steps"] = 5
    path.write_text(json.dumps(metadata | {"regard": json.dumps(identity)}))
    with pytest.raises(ClothError, match="rest_steps: 5 -> 10"):
        read_dataset(dataset)


def test_a_foreign_dataset_is_neither_read_nor_replaced(dataset, tmp_path):
    path = dataset / "data" / "metadata.json"
    metadata = json.loads(path.read_text())
    del metadata["regard"]
    path.write_text(json.dumps(metadata))
    with pytest.raises(ClothError, match="not written by"):
        read_dataset(dataset)
    with pytest.raises(ClothError, match="not written by"):
        write_dataset(tmp_path, "fold/test-v1", [], SETTINGS)
    assert path.exists()


def test_a_directory_without_a_dataset_is_refused(tmp_path):
    with pytest.raises(ClothError, match="no Minari dataset"):
        read_dataset(tmp_path)
