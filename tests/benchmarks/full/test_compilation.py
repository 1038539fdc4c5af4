import inspect
from types import SimpleNamespace

from benchmarks.serving.full import compilation
from regard.serving.kernels.block_scaled import build
from regard.serving.kernels.block_scaled.build import GATED, PARTS, num_stages


def test_builds_are_what_the_library_is_asked_for():
    names = list(inspect.signature(build.library.__wrapped__).parameters)
    assert names == ["rows", "stages", "shared_rows", "fewer_rows"]


def test_launches_of_one_size_share_a_build_and_each_is_compiled_once(monkeypatch):
    launches = [
        SimpleNamespace(mode=mode, rows=rows, shared_rows=64, fewer_rows=rows)
        for mode, rows in ((PARTS, 96), (PARTS, 96), (GATED, 96), (PARTS, 192))
    ]
    wanted = compilation.builds_of(launches)
    assert wanted == {
        (96, num_stages(96, PARTS), 64, 96),
        (96, num_stages(96, GATED), 64, 96),
        (192, num_stages(192, PARTS), 64, 192),
    }
    made = []
    monkeypatch.setattr(compilation.build, "library", lambda *each: made.append(each))
    compilation.compile_builds(wanted)
    assert sorted(made) == sorted(wanted)
    compilation.compile_builds(set())
    assert len(made) == len(wanted)
