import pytest
import torch

from benchmarks.serving.slice.influence import compare_tokens


def test_changed_tokens_are_counted():
    text = compare_tokens(torch.tensor([1, 2, 3]), torch.tensor([1, 9, 8]))
    assert text == "without what the FFN GPU returns 2 of 3 sampled tokens change"


def test_tokens_that_do_not_depend_on_the_ffn_gpu_end_the_run():
    same = torch.tensor([1, 2, 3])
    with pytest.raises(SystemExit, match="do not depend"):
        compare_tokens(same, same.clone())
