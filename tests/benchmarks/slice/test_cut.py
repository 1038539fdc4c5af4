import pytest

from benchmarks.serving import prebuild
from benchmarks.serving.slice.config import SliceConfig
from benchmarks.serving.slice.cut import builds, cut_for, rows_for
from regard.serving.kernels.block_scaled import build


@pytest.mark.parametrize(("mean", "rows"), [(32, 64), (64, 128), (128, 192), (160, 192)])
def test_an_experts_tokens_pass_at_once_unless_it_has_many_more_than_others(mean, rows):
    assert rows_for(mean) == rows


@pytest.mark.parametrize(("num_tiles", "num_whole"), [(84, 64), (60, 0), (336, 320)])
def test_whole_tiles_fill_rounds_of_all_pairs_of_blocks(num_tiles, num_whole):
    cut = cut_for(128, num_tiles, 132)
    assert (cut.rows, cut.num_whole, cut.spare_blocks) == (192, num_whole, 4)


def test_all_that_a_run_launches_is_built_ahead(monkeypatch, capsys):
    built = []
    monkeypatch.setattr(build, "library", built.append)
    assert prebuild.main(["--batches", "64", "128"]) == 0
    assert set(built) == builds(SliceConfig(batch=64)) | builds(SliceConfig(batch=128))
    assert set(built) == {64, 128, 192}
    assert len(built) == len(set(built))
    assert "libraries in" in capsys.readouterr().out
