"""Where the arm's files come from."""

from pathlib import Path

import pytest

from regard.world.arm.assets import MENAGERIE_WHEEL, menagerie
from regard.world.arm.errors import ArmModelError


def test_a_named_folder_is_taken_without_a_download(tmp_path: Path) -> None:
    assert menagerie({"MENAGERIE_ROOT": str(tmp_path)}) == tmp_path


def test_a_named_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArmModelError, match="no folder"):
        menagerie({"MENAGERIE_ROOT": str(tmp_path / "absent")})


def test_the_wheel_is_pinned() -> None:
    assert "==" in MENAGERIE_WHEEL.requirement
    assert len(MENAGERIE_WHEEL.sha256) == 64


def test_both_models_come_with_their_licences(menagerie_folder: Path) -> None:
    for name in ("universal_robots_ur5e", "robotiq_2f85"):
        assert (menagerie_folder / name / "LICENSE").is_file()
