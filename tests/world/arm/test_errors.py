"""Errors of the arm."""

from pathlib import Path

import pytest

from regard.common.errors import UserError
from regard.world.arm.assets import menagerie
from regard.world.arm.errors import ArmCommandError, ArmModelError


@pytest.mark.parametrize("kind", [ArmModelError, ArmCommandError])
def test_the_command_line_says_them_in_one_line(kind: type[Exception]) -> None:
    assert issubclass(kind, UserError)


def test_a_folder_that_is_none_is_an_error_of_the_model(tmp_path: Path) -> None:
    with pytest.raises(ArmModelError, match="MENAGERIE_ROOT"):
        menagerie({"MENAGERIE_ROOT": str(tmp_path / "nowhere")})
