from benchmarks.serving import prebuild
from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.cut import builds, cut_of
from regard.serving.kernels.block_scaled import build


def test_an_experts_tokens_pass_at_once():
    cut = cut_of(SliceConfig(batch=128), 64)
    assert (cut.rows, cut.num_whole) == (192, 64)
    assert cut_of(SliceConfig(batch=32), 64).rows == 128


def test_all_that_a_run_launches_is_built_ahead(monkeypatch, capsys):
    built = []
    monkeypatch.setattr(build, "library", built.append)
    assert prebuild.main(["--batches", "64", "128"]) == 0
    assert set(built) == builds(SliceConfig(batch=64)) | builds(SliceConfig(batch=128))
    assert set(built) == {64, 128, 192}
    assert len(built) == len(set(built))
    assert "libraries in" in capsys.readouterr().out
