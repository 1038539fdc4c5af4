"""`regard world view`."""

import pytest

from regard.common.errors import UserError
from regard.world.view_command import main


def test_without_a_screen_it_says_so_and_names_what_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(UserError, match="no screen here .*regard world render"):
        main([])


def test_the_viewer_gets_the_scene_and_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    from mujoco import viewer

    seen = []

    class Window:
        def __init__(self, model, data) -> None:
            seen.append(data)

        def __enter__(self):
            return self

        def __exit__(self, *error) -> None:
            pass

        def is_running(self) -> bool:
            return len(seen) < 3

        def sync(self) -> None:
            seen.append(seen[0].time)

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(viewer, "launch_passive", Window)
    assert main(["--objects", "1"]) == 0
    assert seen[2] > seen[1] > 0
