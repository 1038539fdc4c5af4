from pathlib import Path

import pytest
import torch

from regard.serving.models.lazy_tensors import LazyTensors, TensorHeader


def test_nothing_is_read_before_it_is_asked_for_and_nothing_is_kept():
    reads = []

    def read(name):
        reads.append(name)
        return torch.ones(2)

    header = TensorHeader((2,), "F32", Path("m"))
    tensors = LazyTensors({"a": header, "b": header}, read)
    assert "a" in tensors
    assert "c" not in tensors
    assert list(tensors) == ["a", "b"]
    assert len(tensors) == 2
    assert tensors.get("c") is None
    with pytest.raises(KeyError):
        tensors["c"]
    assert reads == []
    first, second = tensors["b"], tensors["b"]
    assert reads == ["b", "b"]
    assert first is not second
