import ctypes
from types import SimpleNamespace

import pytest
import torch


class FakeDriver:
    """Notes what the CUDA driver is asked to describe, and answers with `status`."""

    def __init__(self, status=0):
        self.status = status
        self.calls = []

    def cuTensorMapEncodeTiled(
        self, target, kind, rank, pointer, sizes, strides, box, steps, interleave, swizzle, *rest
    ):
        assert (interleave, list(steps)) == (0, [1] * rank)
        assert len(sizes) == len(box) == len(strides) + 1 == rank
        call = SimpleNamespace(
            target=target.value,
            kind=kind,
            pointer=pointer.value,
            sizes=tuple(sizes),
            strides=tuple(strides),
            box=tuple(box),
            swizzle=swizzle,
        )
        self.calls.append(call)
        return self.status


@pytest.fixture
def machine(monkeypatch):
    """A Hopper that is not there: what is prepared can be looked at, but not launched."""
    driver = FakeDriver()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver)
    properties = SimpleNamespace(multi_processor_count=132)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    return driver
