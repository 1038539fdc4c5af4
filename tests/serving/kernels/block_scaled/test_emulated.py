"""The kernel's own code on a CPU: units, copies, scales, outputs; its instructions are emulated.

What the emulation cannot show (layout for the matrix units, ordering of memory) the tests marked
`gpu` do.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from regard.serving.kernels.block_scaled import build

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
EMULATOR = Path(__file__).parent / "emulator"
# What rounding costs: none, to bfloat16, to e4m3.
ROUNDING = {"parts": 1e-6, "query": 2e-3, "gated_routed": 3e-2, "gated_shared": 3e-2, "down": 2e-3}


@dataclass(frozen=True)
class Line:
    """What the emulator says of a case."""

    name: str
    error: float
    missing: int
    stray: int


def emulate(folder, groups, change=lambda name, text: text):
    """Compiles the kernel's headers, changed if asked, with the emulated instructions, and runs."""
    sources = Path(build.__file__).parent
    emulated = {path.name for path in EMULATOR.iterdir()}
    for name in set(build.HEADERS) - emulated:
        (folder / name).write_text(change(name, (sources / name).read_text()))
    for path in EMULATOR.iterdir():
        shutil.copy(path, folder)
    program = folder / "emulated"
    sizes = (f"-DGROUPS={groups}", "-DSTAGES=3")
    command = ["g++", "-std=c++20", "-O1", *sizes, str(folder / "cases.cpp"), "-o", str(program)]
    subprocess.run([*command, "-pthread"], check=True, capture_output=True, text=True)
    done = subprocess.run(
        [str(program)], check=True, capture_output=True, text=True, timeout=120
    ).stdout
    fields = [line.split() for line in done.splitlines()]
    return [Line(name, float(error), int(m), int(s)) for name, error, m, s in fields]


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_all_modes_agree_with_products_of_real_numbers(groups, tmp_path):
    lines = emulate(tmp_path, groups)
    assert {line.name for line in lines} == set(ROUNDING)
    for line in lines:
        assert line.error < ROUNDING[line.name], line
        assert (line.missing, line.stray) == (0, 0), line


def test_a_wrong_scale_and_a_swapped_word_would_be_noticed(tmp_path):
    def spoil(name, text):
        text = text.replace("SCALE_ROOM + 8 * 4)", "SCALE_ROOM)")
        return text.replace("upper ? words[i] : words[i + 2]", "upper ? words[i + 2] : words[i]")

    lines = emulate(tmp_path, 1, spoil)
    assert all(line.error > 10 * ROUNDING[line.name] for line in lines)
