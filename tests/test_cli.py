import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest

from regard import __version__, cli
from regard.common.errors import UserError
from regard.serving.errors import ServingError


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A command `fake` whose function a test sets."""
    module = ModuleType("fake_command")
    monkeypatch.setitem(sys.modules, "fake_command", module)
    monkeypatch.setattr(cli, "COMMANDS", {"fake": cli.Command("fake_command:main", "Fakes")})
    return module


def test_help_lists_every_command_with_an_example(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in cli.COMMANDS)
    assert "example:" in printed


def test_no_command_is_bad_usage() -> None:
    assert cli.main([]) == 2


def test_an_unknown_command_is_told_the_valid_ones(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["srve"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "'srve'" in line
    assert "serve" in line


def test_the_version_is_printed(capsys: pytest.CaptureFixture) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"regard {__version__}\n"


def test_the_command_gets_its_arguments_and_gives_the_status(command: ModuleType) -> None:
    seen: list[Sequence[str]] = []

    def run(arguments: Sequence[str]) -> int:
        seen.append(arguments)
        return 7

    command.main = run
    assert cli.main(["fake", "a", "--b"]) == 7
    assert seen == [["a", "--b"]]


@pytest.mark.parametrize("kind", [UserError, ServingError])
def test_a_users_mistake_is_one_line(
    kind: type[Exception], command: ModuleType, capsys: pytest.CaptureFixture
) -> None:
    def run(_: Sequence[str]) -> int:
        raise kind("the value 3 is wrong: give 4")

    command.main = run
    assert cli.main(["fake"]) == 1
    assert capsys.readouterr().err == "error: the value 3 is wrong: give 4\n"


def test_a_bug_keeps_its_traceback(command: ModuleType) -> None:
    def run(_: Sequence[str]) -> int:
        raise ZeroDivisionError

    command.main = run
    with pytest.raises(ZeroDivisionError):
        cli.main(["fake"])


@pytest.mark.parametrize(
    ("stop", "status"),
    [(SystemExit(2), 2), (SystemExit(), 0), (SystemExit("no"), 1), (KeyboardInterrupt(), 130)],
    ids=["status", "none", "text", "interrupt"],
)
def test_stopping_gives_a_status(command: ModuleType, stop: BaseException, status: int) -> None:
    def run(_: Sequence[str]) -> int:
        raise stop

    command.main = run
    assert cli.main(["fake"]) == status


@pytest.mark.parametrize("name", ["models", "results", "stack"])
def test_help_on_the_next_level_shows_an_example(name: str, capsys: pytest.CaptureFixture) -> None:
    assert cli.main([name, "--help"]) == 0
    assert "example: regard" in capsys.readouterr().out


def test_the_module_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "regard", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"regard {__version__}\n"
