"""What the documents say is there, and current."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from regard.cli import COMMANDS

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(?:bash|sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _documents(repository: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return [repository / name for name in listed.stdout.splitlines()]


def _make_targets(repository: Path) -> set[str]:
    text = (repository / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def test_every_link_within_the_repository_leads_somewhere(repository: Path) -> None:
    broken = []
    for document in _documents(repository):
        for target in LINK.findall(document.read_text(encoding="utf-8")):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            path = (document.parent / name).resolve() if name else document
            if not path.exists():
                broken.append(f"{document.name}: {target}")
            elif anchor and path.suffix == ".md":
                headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
                if anchor not in map(_anchor, headings):
                    broken.append(f"{document.name}: {target}")
    assert broken == []


def test_every_make_target_in_the_documents_exists(repository: Path) -> None:
    targets = _make_targets(repository)
    unknown = {
        (document.name, target)
        for document in _documents(repository)
        for target in re.findall(
            r"\bmake ([a-z-]+)\b(?=[^\n]*`|\s*$)", _code(document), re.MULTILINE
        )
        if target not in targets
    }
    assert unknown == set()


def test_every_regard_command_in_the_documents_exists(repository: Path) -> None:
    unknown = {
        (document.name, name)
        for document in _documents(repository)
        for name in re.findall(r"(?:^|[`/])regard ([a-z]+)\b", _code(document), re.MULTILINE)
        if name not in COMMANDS
    }
    assert unknown == set()


def _code(document: Path) -> str:
    """The shell blocks and the inline code of a document, one a line."""
    text = document.read_text(encoding="utf-8")
    blocks = FENCE.findall(text)
    inline = [f"`{each}`" for each in re.findall(r"`([^`\n]+)`", text)]
    return "\n".join([*blocks, *inline])


def test_help_shows_every_make_target(repository: Path) -> None:
    done = subprocess.run(["make", "help"], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0
    shown = set(re.findall(r"make ([a-z-]+)", done.stdout))
    assert shown == _make_targets(repository)


def test_generated_tables_are_current(repository: Path) -> None:
    command = [sys.executable, "scripts/make_tables.py", "--check"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "heading",
    ["Results", "Install", "Quickstart", "Reading guide", "Map", "Limits"],
)
def test_the_readme_has_its_sections(heading: str, repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    assert f"\n## {heading}\n" in text
