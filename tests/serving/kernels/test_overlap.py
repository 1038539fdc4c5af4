import torch

from regard.serving.kernels.overlap import can_overlap


def test_a_cpu_cannot() -> None:
    assert not can_overlap(torch.device("cpu"))
