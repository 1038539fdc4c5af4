"""The choice of a way to draw without a screen."""

import pytest

from regard.world.gl_context import RenderingError, choose_backend, open_context


def has(*libraries: str):
    return lambda name: any(name.startswith(f"lib{each}") for each in libraries)


@pytest.mark.parametrize(
    ("environment", "present", "expected"),
    [
        ({}, ("EGL", "OSMesa"), "egl"),
        ({}, ("OSMesa",), "osmesa"),
        ({"MUJOCO_GL": "osmesa"}, ("EGL", "OSMesa"), "osmesa"),
        ({"MUJOCO_GL": " EGL "}, ("EGL",), "egl"),
    ],
)
def test_egl_comes_first_unless_the_environment_says_otherwise(
    environment: dict[str, str], present: tuple[str, ...], expected: str
) -> None:
    assert choose_backend(environment, has(*present)) == expected


@pytest.mark.parametrize(
    ("environment", "present"), [({}, ()), ({"MUJOCO_GL": "osmesa"}, ("EGL",))]
)
def test_what_is_missing_is_said_with_the_command_that_installs_it(
    environment: dict[str, str], present: tuple[str, ...]
) -> None:
    with pytest.raises(RenderingError, match="missing; install it by: sudo apt-get install"):
        choose_backend(environment, has(*present))


def test_a_window_system_is_no_way_to_draw_without_a_screen() -> None:
    with pytest.raises(RenderingError, match="MUJOCO_GL is 'glfw'"):
        choose_backend({"MUJOCO_GL": "glfw"}, has("EGL"))


def test_a_context_that_cannot_be_made_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str):
        raise ImportError(f"no driver\nfor {name}")

    monkeypatch.setattr("regard.world.gl_context.choose_backend", lambda environment: "egl")
    monkeypatch.setattr("regard.world.gl_context.importlib.import_module", broken)
    with pytest.raises(RenderingError, match="cannot draw with egl: no driver for mujoco.egl"):
        open_context(64, 48)
