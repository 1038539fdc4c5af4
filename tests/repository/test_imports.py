"""Who may import whom, and what an import may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEMS = ("common", "world", "assist", "cloth", "serving", "tradeoffs")
ALLOWED = {
    "common": set(),
    "world": {"common"},
    "assist": {"common", "world"},
    "cloth": {"common", "world"},
    "serving": {"common"},
    "tradeoffs": {"common"},
}
HEAVY = (
    "torch",
    "transformers",
    "tokenizers",
    "triton",
    "mujoco",
    "gymnasium",
    "inspect_ai",
    "pandas",
    "scipy",
    "matplotlib",
    "fastapi",
    "huggingface_hub",
    "llguidance",
)
# Imported by name before any model is chosen, so a command answers at once.
LIGHT = (
    "regard",
    "regard.cli",
    "regard.stack",
    "regard.common",
    "regard.common.rows",
    "regard.serving",
    "regard.serving.default_model",
    "regard.serving.errors",
    "regard.serving.kernels",
    "regard.serving.models",
    "regard.serving.models_command",
    "regard.serving.outputs",
    "regard.serving.request",
    "regard.serving.sampling_params",
    "regard.serving.scheduler",
    "regard.serving.kv_cache",
    "regard.serving.server",
    "regard.serving.bench",
)


def imported_modules(source: str) -> set[str]:
    """Every `regard...` module a file names in an import, wherever in the file it stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.split(".")[0] == "regard"}


def forbidden_imports(system: str, source: str) -> set[str]:
    """The modules of a file of this system that it must not import."""
    allowed = ALLOWED[system] | {system}
    forbidden = set()
    for name in imported_modules(source):
        parts = name.split(".")
        if len(parts) > 1 and parts[1] not in allowed and parts[1] != "__version__":
            forbidden.add(name)
    return forbidden


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_imports_only_what_it_may(system: str, repository: Path) -> None:
    found = {}
    for path in sorted((repository / "src/regard" / system).rglob("*.py")):
        if forbidden := forbidden_imports(system, path.read_text(encoding="utf-8")):
            found[str(path.relative_to(repository))] = forbidden
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import regard.serving.engine",
        "from regard import serving",
        "from regard.cli import main",
        "def f():\n    from regard.serving.llm import LLM",
    ],
)
def test_a_forbidden_import_is_found(source: str) -> None:
    assert forbidden_imports("assist", source)


def test_every_package_is_named_in_the_rules(repository: Path) -> None:
    folders = {path.parent.name for path in (repository / "src/regard").glob("*/__init__.py")}
    assert folders <= set(SYSTEMS)


def test_light_modules_load_nothing_heavy(repository: Path) -> None:
    present = [name for name in LIGHT if _exists(repository, name)]
    program = (
        "import importlib, sys\n"
        f"for name in {present!r}:\n"
        "    importlib.import_module(name)\n"
        f"    heavy = [each for each in {HEAVY!r} if each in sys.modules]\n"
        "    if heavy:\n"
        "        sys.exit(f'{name} loads {heavy}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _exists(repository: Path, name: str) -> bool:
    base = repository / "src" / Path(*name.split("."))
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()
