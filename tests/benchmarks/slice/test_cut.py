from benchmarks.serving import prebuild
from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.cut import builds, cut_of
from regard.serving.kernels.block_scaled import build


def test_an_experts_tokens_pass_at_once_and_the_shared_one_has_a_unit_a_cluster():
    cut = cut_of(SliceConfig(batch=128), 64)
    assert (cut.rows, cut.shared_rows, cut.num_whole, cut.fewer_rows) == (176, 96, 64, None)
    # Three tiles of 128 columns by passes: no more units than clusters, and a few more.
    assert -(-2048 // cut.shared_rows) * 3 <= 64 + 8
    assert cut_of(SliceConfig(batch=160), 64).rows == 192


def test_few_tokens_have_a_path_of_their_own_where_that_is_tried():
    config = SliceConfig(batch=128, candidates=frozenset({"fewer_rows"}))
    assert cut_of(config, 64).fewer_rows == 144


def test_all_that_a_run_launches_is_built_ahead(monkeypatch, capsys):
    built = []
    monkeypatch.setattr(build, "library", lambda *arguments: built.append(arguments))
    assert prebuild.main(["--batches", "128", "--candidates", "fewer_rows"]) == 0
    proven = builds(SliceConfig(batch=128), 132)
    stages = {build.num_stages(128, mode) for mode in (build.PARTS, build.QUERY)}
    assert proven == {
        *((128, each, 64, 128) for each in stages),
        (176, build.num_stages(176, build.GATED), 96, 176),
        (176, build.num_stages(176, build.DOWN), 64, 176),
    }
    tried = {(176, 4, 96, 144), (176, 4, 64, 144), (128, 5, 64, 128)}
    assert set(built) >= proven | tried
    assert len(built) == len(set(built))
    assert "libraries in" in capsys.readouterr().out
