"""Limits on the source itself."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
# path -> why it may be longer.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
# module -> why it has no test file of its own.
WITHOUT_OWN_TEST = {
    "src/regard/serving/afd/afd_engine.py": "run by test_service.py",
    "src/regard/serving/afd/assignment.py": "run by test_service.py",
    "src/regard/serving/afd/attention_instance.py": "a process, run by test_service.py",
    "src/regard/serving/afd/ffn_instance.py": "a process, run by test_service.py",
    "src/regard/serving/afd/join.py": "a process, run by test_service.py",
    "src/regard/serving/afd/membership.py": "run by test_service.py",
    "src/regard/serving/afd/local_launcher.py": "run by test_service.py",
    "src/regard/serving/afd/in_process.py": "run by test_pipeline.py",
    "src/regard/serving/afd/ticket.py": "run by test_service.py",
    "src/regard/serving/afd/config.py": "fields and defaults only",
    "src/regard/serving/afd/link/copier.py": "a protocol; test_cuda_copier.py and host_copier.py",
    "src/regard/serving/afd/link/contract.py": "protocols; test_contract.py holds the links to it",
    "src/regard/serving/afd/link/in_process.py": "run by test_contract.py",
    "src/regard/serving/afd/link/options.py": "fields only",
    "src/regard/serving/afd/link/pair.py": "protocols; test_contract.py holds the pairs to them",
    "src/regard/__main__.py": "three lines, run by tests/test_cli.py",
    "src/regard/serving/config.py": "fields and defaults only",
    "src/regard/serving/server/config.py": "fields and defaults only",
    "src/regard/serving/models/config.py": "read through test_weights.py and test_gguf_file.py",
    "src/regard/serving/outputs.py": "fields only",
    "src/regard/serving/server/chat_protocol.py": "with the shared fields in test_protocol.py",
    "src/regard/serving/server/completion_protocol.py": "likewise in test_protocol.py",
    "src/regard/serving/server/contract.py": "protocols only, checked by mypy",
}
# Paths of one machine, and hosts of package registries other than the documented CPU index.
UNWANTED = re.compile(
    r"(?<![\w.])/(root|work|home/\w+|tmp/\w+)/|p[y]pi\.(org|python)|files\.python[h]osted|"
    r"download\.pytorch\.org(?!/whl/cpu\b)"
)
# Documents and tests may name a path that nobody has; these patterns are checked in the rest.
CHECKED_SUFFIXES = {".py", ".sh", ".toml", ".yml", ".yaml", ".txt", ".c", ".cu", ".md", ".jsonl"}


def _tracked(repository: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True
    )
    paths = [repository / name for name in listed.stdout.splitlines()]
    return [path for path in paths if path.is_file()]


def _sources(repository: Path) -> list[Path]:
    return sorted((repository / "src").rglob("*.py"))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function with its lines, the docstring left out: explaining is not penalised."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            first = node.body[0]
            has_docstring = ast.get_docstring(node, clean=False) is not None
            documented = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
            yield node.name, node.end_lineno - node.lineno + 1 - documented


def test_no_source_file_is_too_long(repository: Path) -> None:
    found = {}
    for path in _sources(repository):
        name = str(path.relative_to(repository))
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > MAX_FILE_LINES and name not in LONG_FILES:
            found[name] = length
    assert found == {}


def test_no_function_is_too_long(repository: Path) -> None:
    found = {}
    for path in _sources(repository):
        for name, length in _functions(path):
            key = f"{path.relative_to(repository)}:{name}"
            if length > MAX_FUNCTION_LINES and key not in LONG_FUNCTIONS:
                found[key] = length
    assert found == {}


def test_every_module_has_its_test_file(repository: Path) -> None:
    missing = []
    for path in _sources(repository):
        name = str(path.relative_to(repository))
        inner = path.relative_to(repository / "src/regard")
        if path.name == "__init__.py" or name in WITHOUT_OWN_TEST:
            continue
        if not any((repository / "tests" / each).is_file() for each in _test_files(inner)):
            missing.append(name)
    assert missing == []


def _test_files(module: Path) -> list[Path]:
    """Where the tests of a module may stand; a kernel and its reference share one file."""
    own = module.parent / f"test_{module.name}"
    if "kernels" not in module.parts:
        return [own]
    return [own, module.parent / f"test_{module.parent.name}.py"]


def test_every_allowance_is_used_and_has_a_reason(repository: Path) -> None:
    for allowed in (LONG_FILES, WITHOUT_OWN_TEST):
        assert all(allowed.values())
        assert [name for name in allowed if not (repository / name).is_file()] == []
    names = {
        f"{p.relative_to(repository)}:{n}" for p in _sources(repository) for n, _ in _functions(p)
    }
    assert set(LONG_FUNCTIONS) <= names


def test_nothing_names_one_machine_or_a_registry(repository: Path) -> None:
    found = []
    for path in _tracked(repository):
        if path.suffix not in CHECKED_SUFFIXES or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if UNWANTED.search(line):
                found.append(f"{path.relative_to(repository)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_no_file_is_large(repository: Path) -> None:
    large = [str(path) for path in _tracked(repository) if path.stat().st_size > 500_000]
    assert large == []


def _requirement_name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _constraints(repository: Path) -> list[str]:
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_every_dependency_has_an_exact_version(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    pinned = {_requirement_name(line) for line in _constraints(repository)}
    missing = {_requirement_name(each) for each in wanted} - pinned - {"regard"}
    assert missing == set()


def test_constraints_are_exact_and_free_of_local_versions(repository: Path) -> None:
    wrong = [
        line for line in _constraints(repository) if not re.fullmatch(r"[\w.\-]+==[\w.]+", line)
    ]
    assert wrong == []
    assert "torch==2.13.0" in _constraints(repository)


@pytest.mark.parametrize("name", [".ci/run", "scripts/setup.sh"])
def test_shell_scripts_are_valid(name: str, repository: Path) -> None:
    assert subprocess.run(["bash", "-n", name], cwd=repository).returncode == 0
