"""What a dataset of demonstrations is of."""

from dataclasses import replace

import pytest

from regard.cloth.demonstrations.settings import DemonstrationSettings
from regard.cloth.protocol import differences, protocol_of

SETTINGS = DemonstrationSettings(task="fold-axis", policy="scripted_noisy")


def test_successes_and_failures_have_names_of_their_own():
    assert SETTINGS.dataset_name == "fold-axis/scripted_noisy-v1"
    assert SETTINGS.failures_name == "fold-axis/scripted_noisy-failures-v1"


def test_the_identity_holds_the_protocol_of_the_task():
    assert SETTINGS.identity()["protocol"] == protocol_of("fold-axis")


def test_another_task_is_another_identity_with_a_protocol_of_its_own():
    other = replace(SETTINGS, task="flatten")
    found = differences(SETTINGS.identity(), other.identity())
    assert "task: fold-axis -> flatten" in found
    assert all(each.startswith(("task: ", "protocol.tasks.")) for each in found)


@pytest.mark.parametrize(
    ("name", "value"),
    [("policy", "scripted"), ("engine", "xpbd"), ("ranges", "held-out"), ("seed", 1)],
)
def test_another_setting_is_another_identity(name, value):
    other = replace(SETTINGS, **{name: value})
    (difference,) = differences(SETTINGS.identity(), other.identity())
    assert difference.startswith(f"{name}: ")
