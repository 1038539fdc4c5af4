import pytest
import torch

from benchmarks.serving import candidates


def test_gains_are_taken_turn_by_turn():
    times = {"proven": [10.0, 20.0, 30.0], "other": [9.0, 18.0, 33.0]}
    lines = candidates.table("title", times)
    assert lines[0] == "title"
    assert "20.00 us [10.00, 30.00]  gain   +0.00 us" in lines[1]
    assert "gain   +1.00 us" in lines[2]


def test_without_a_gpu_one_line_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit, match="nothing to measure: there is no CUDA device"):
        candidates.main([])
