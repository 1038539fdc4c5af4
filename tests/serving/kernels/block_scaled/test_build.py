import re
from pathlib import Path

import pytest

from regard.serving.kernels.block_scaled import build

FOLDER = Path(build.__file__).parent


def source():
    return "".join((FOLDER / name).read_text() for name in (build.SOURCE, *build.HEADERS))


@pytest.mark.parametrize(
    ("rows", "built"), [(1, 64), (64, 64), (65, 128), (129, 192), (192, 192), (999, 192)]
)
def test_rows_are_rounded_up_to_the_next_build_there_is(rows, built):
    assert build.round_up_rows(rows) == built


@pytest.mark.parametrize("rows", build.ROWS)
def test_as_many_stages_as_fit_shared_memory(rows):
    stages = build.num_stages(rows)

    def needed(stages):
        # As kernel.cu counts it: a ring of weights, rows and scales; beside it the largest
        # magnitudes, and barriers for each stage and each warpgroup.
        ring = stages * (128 * 128 + rows * 128 + -(-rows * 4 // 128) * 128)
        return ring + 2 * rows * 4 + (2 * stages + 2 * (rows // 64)) * 8

    # Dynamic memory begins at a multiple of 1024 bytes.
    assert needed(stages) + 1024 <= build.SHARED_BYTES == 232448
    # A copy in flight while one is used and one is freed.
    assert 3 <= stages <= build.MOST_STAGES
    assert stages == build.MOST_STAGES or needed(stages + 1) + 1024 > build.SHARED_BYTES


def test_rows_of_a_build_are_those_of_its_warpgroups():
    assert "constexpr int ROWS = 64 * GROUPS;" in source()
    assert all(rows % 64 == 0 for rows in build.ROWS)
    # 152 registers a thread of three warpgroups beside the one that copies, 232 of fewer.
    for rows in build.ROWS:
        groups = rows // 64
        assert 128 * (40 + groups * (152 if groups == 3 else 232)) <= 65536


def test_every_header_is_part_of_the_digest():
    assert set(build.HEADERS) == {path.name for path in FOLDER.glob("*.cuh")}
    included = set(re.findall(r'#include "(\w+\.cuh)"', source()))
    assert included == set(build.HEADERS)


def test_a_machine_without_the_compiler_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    monkeypatch.setattr(build, "cache_directory", lambda: tmp_path)
    with pytest.raises(RuntimeError, match="nvcc"):
        build.library.__wrapped__(64)


def test_a_failed_build_says_what_the_compiler_said(monkeypatch, tmp_path):
    nvcc = tmp_path / "nvcc"
    nvcc.write_text("#!/bin/sh\necho 'no such instruction' >&2\nexit 3\n")
    nvcc.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(build, "cache_directory", lambda: tmp_path / "cache")
    with pytest.raises(RuntimeError, match="no such instruction"):
        build.library.__wrapped__(64)
    assert list((tmp_path / "cache").iterdir()) == []
