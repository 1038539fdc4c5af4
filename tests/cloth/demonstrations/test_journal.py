"""Episodes kept one by one."""

import json
from dataclasses import replace

import numpy as np
import pytest

from regard.cloth.demonstrations.journal import SETTINGS_FILE, Journal
from regard.cloth.demonstrations.recording import Recording
from regard.cloth.demonstrations.settings import DemonstrationSettings
from regard.cloth.errors import ClothError

SETTINGS = DemonstrationSettings(task="fold-diagonal", policy="scripted")


def make_recording(seed=0, is_success=True):
    return Recording(
        seed=seed,
        is_success=is_success,
        observations=np.full((3, 97), seed, np.float32),
        actions=np.zeros((2, 6), np.float32),
        rewards=np.array([0.1, 1.0]),
        terminations=np.array([False, True]),
        performances=np.array([0.0, 0.5, 0.9]),
    )


def test_what_was_written_is_there_when_the_journal_is_opened_again(tmp_path):
    Journal(tmp_path / "a", SETTINGS).write(4, make_recording(seed=7))
    again = Journal(tmp_path / "a", SETTINGS)
    assert again.numbers() == {4}
    assert again.read(4).seed == 7


def test_a_half_written_episode_does_not_count(tmp_path):
    journal = Journal(tmp_path / "a", SETTINGS)
    (tmp_path / "a" / "000003.part").write_bytes(b"half")
    assert journal.numbers() == set()


def test_other_settings_are_refused_with_what_differs(tmp_path):
    Journal(tmp_path / "a", SETTINGS)
    with pytest.raises(ClothError, match="engine: mujoco -> xpbd"):
        Journal(tmp_path / "a", replace(SETTINGS, engine="xpbd"))


def test_an_outdated_protocol_is_refused_with_what_differs(tmp_path):
    Journal(tmp_path / "a", SETTINGS)
    path = tmp_path / "a" / SETTINGS_FILE
    old = json.loads(path.read_text())
    old["protocol"]["episode"]["rest_steps"] = 5
    path.write_text(json.dumps(old))
    with pytest.raises(ClothError, match="rest_steps: 5 -> 10"):
        Journal(tmp_path / "a", SETTINGS)


def test_a_directory_with_other_files_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(ClothError, match="holds no demonstrations"):
        Journal(tmp_path, SETTINGS)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_settings_that_cannot_be_read_are_refused(tmp_path, text):
    (tmp_path / SETTINGS_FILE).write_text(text)
    with pytest.raises(ClothError, match="cannot be read"):
        Journal(tmp_path, SETTINGS)
