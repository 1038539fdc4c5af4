import re
from pathlib import Path

import pytest

from regard.serving.kernels.block_scaled import build

FOLDER = Path(build.__file__).parent


def source():
    return "".join((FOLDER / name).read_text() for name in (build.SOURCE, *build.HEADERS))


@pytest.mark.parametrize(
    ("rows", "built"), [(1, 64), (64, 64), (65, 96), (129, 144), (190, 192), (192, 192), (999, 192)]
)
def test_rows_are_rounded_up_to_the_next_build_there_is(rows, built):
    assert build.round_up_rows(rows) == built


@pytest.mark.parametrize("mode", build.STAGING)
@pytest.mark.parametrize("rows", build.ROWS)
def test_what_a_build_keeps_fits_shared_memory(rows, mode):
    stages = build.num_stages(rows, mode)
    # As kernel.cu counts it: a ring of weights, rows and scales; a place for results; beside these
    # the largest magnitudes, and two barriers for each stage and two more.
    scales = -(-rows * 4 // 128) * 128
    dynamic = stages * (2 * 64 * 128 + rows * 128 + scales) + build.STAGING[mode] * rows
    static = 11 * rows * 4 + (2 * stages + 2) * 8
    assert dynamic + static <= build.SHARED_BYTES == 232448
    # A copy in flight while one is used and one is freed.
    assert 3 <= stages <= 7


@pytest.mark.parametrize("rows", build.ROWS)
def test_another_stage_would_not_fit(rows):
    stages = build.num_stages(rows, build.DOWN)
    stage = 2 * 64 * 128 + rows * 128 + -(-rows * 4 // 128) * 128
    # The difference allows for static memory and alignment.
    assert stages == 7 or stage * (stages + 1) + 272 * rows + 44 * rows + 1024 > build.SHARED_BYTES


def test_swapped_halves_of_a_result_fit_the_room_for_staging():
    pitch = int(re.search(r"constexpr int PITCH = (\d+);", source())[1])
    assert pitch == build.STAGING[build.QUERY] == build.STAGING[build.DOWN]
    assert re.search(r"constexpr int GATED_PITCH = TILE \+ 16;", source())
    assert build.STAGING[build.GATED] == 64 + 16
    # Two warpgroups of 128 threads leave a quarter of ROWS float32 numbers each.
    assert all(2 * rows // 4 * 128 * 4 <= pitch * rows for rows in build.ROWS)


def test_the_matrix_units_know_every_build():
    condition = r"#if ROWS == (\d+) \|\| SHARED_ROWS == \1 \|\| FEWER_ROWS == \1\n"
    widths = {int(n) for n in re.findall(condition, source())}
    assert widths == set(build.ROWS)
    for rows in build.ROWS:
        # Half of the rows at a time; the units take multiples of 8 columns.
        assert rows % 16 == 0
        assert f"m64n{rows // 2}k32" in source()


def test_every_header_is_part_of_the_digest():
    assert set(build.HEADERS) == {path.name for path in FOLDER.glob("*.cuh")}
    included = set(re.findall(r'#include "(\w+\.cuh)"', source()))
    assert included == set(build.HEADERS)


def test_a_machine_without_the_compiler_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    monkeypatch.setattr(build, "cache_directory", lambda: tmp_path)
    with pytest.raises(RuntimeError, match="nvcc"):
        build.library.__wrapped__(64, 5, 64, 64)


def test_a_failed_build_says_what_the_compiler_said(monkeypatch, tmp_path):
    nvcc = tmp_path / "nvcc"
    nvcc.write_text("#!/bin/sh\necho 'no such instruction' >&2\nexit 3\n")
    nvcc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(build, "cache_directory", lambda: tmp_path / "cache")
    with pytest.raises(RuntimeError, match="no such instruction"):
        build.library.__wrapped__(64, 5, 64, 64)
    assert list((tmp_path / "cache").iterdir()) == []
