from benchmarks.serving import prebuild
from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.cut import builds, cut_of
from regard.serving.kernels.block_scaled import build


def test_an_experts_tokens_pass_at_once_and_the_shared_one_has_a_unit_a_cluster():
    cut = cut_of(SliceConfig(batch=128), 64)
    assert (cut.rows, cut.shared_rows, cut.num_whole, cut.fewer_rows) == (176, 96, 64, 144)
    # Three tiles of 128 columns by passes: no more units than clusters, and a few more.
    assert -(-2048 // cut.shared_rows) * 3 <= 64 + 8
    assert cut_of(SliceConfig(batch=160), 64).rows == 192


def test_all_that_a_run_launches_is_built_ahead(monkeypatch, capsys):
    built = []
    monkeypatch.setattr(build, "library", lambda *arguments: built.append(arguments))
    assert prebuild.main(["--batches", "128"]) == 0
    assert set(built) == builds(SliceConfig(batch=128), 132)
    assert set(built) == {
        (128, build.num_stages(128, build.PARTS), 64, 128),
        (128, build.num_stages(128, build.QUERY), 64, 128),
        (176, build.num_stages(176, build.GATED), 96, 144),
        (176, build.num_stages(176, build.DOWN), 64, 144),
    }
    assert len(built) == len(set(built))
    assert "libraries in" in capsys.readouterr().out
