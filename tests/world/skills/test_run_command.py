"""`regard world run`."""

import json

import pytest

from regard.common.errors import UserError
from regard.world.skills.run_command import main


@pytest.mark.slow
def test_a_skill_runs_live_to_its_end(menagerie_folder, capsys) -> None:
    arguments = ["fetch", "object=mug_1", "--require", "mug", "--objects", "2", "--json"]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["is_done"] is True
    assert "100%" in err


def test_a_skill_that_fails_is_exit_status_one(menagerie_folder, capsys) -> None:
    assert main(["fetch", "object=ghost", "--objects", "1", "--require", "mug"]) == 1
    assert "there is no 'ghost'" in capsys.readouterr().out


@pytest.mark.parametrize("bad", ["mug_1", "=mug_1", "object="])
def test_what_is_no_argument_is_said(bad: str) -> None:
    with pytest.raises(UserError, match="object=mug_1"):
        main(["fetch", bad])


def test_an_unknown_skill_is_named(menagerie_folder) -> None:
    with pytest.raises(UserError, match="no skill 'dance'"):
        main(["dance"])
