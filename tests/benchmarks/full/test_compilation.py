import inspect
from types import SimpleNamespace

from benchmarks.serving.full import compilation
from regard.serving.kernels.block_scaled import build


def test_builds_are_what_the_library_is_asked_for():
    assert list(inspect.signature(build.library.__wrapped__).parameters) == ["rows"]


def test_launches_of_one_size_share_a_build_and_each_is_compiled_once(monkeypatch):
    launches = [SimpleNamespace(rows=rows) for rows in (64, 64, 128, 192)]
    wanted = compilation.builds_of(launches)
    assert wanted == {64, 128, 192}
    made = []
    monkeypatch.setattr(compilation.build, "library", made.append)
    compilation.compile_builds(wanted)
    assert sorted(made) == sorted(wanted)
    compilation.compile_builds(set())
    assert len(made) == len(wanted)
