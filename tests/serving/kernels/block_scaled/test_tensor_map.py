import ctypes

import pytest
import torch

from regard.serving.kernels.block_scaled.tensor_map import FLOAT32, UINT8, Maps
from tests.serving.kernels.block_scaled.fake_driver import FakeDriver


@pytest.fixture
def driver(monkeypatch):
    made = FakeDriver()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: made)
    return made


def test_maps_stand_side_by_side_at_multiples_of_64_bytes(driver):
    maps = Maps(3)
    matrix = torch.zeros(8, 128)
    for index in range(3):
        maps.set(index, matrix, box=(1, 8), swizzled=False)
    assert maps.address % 64 == 0
    assert [call.target - maps.address for call in driver.calls] == [0, 128, 256]


def test_columns_come_before_rows_and_strides_are_bytes(driver):
    values = torch.zeros(40, 512).to(torch.float8_e4m3fn)[:, :384]
    scales = torch.zeros(3, 44)[:, :40]
    maps = Maps(2)
    maps.set(0, values, box=(32, 128), swizzled=True)
    maps.set(1, scales, box=(1, 64), swizzled=False)
    eight, wide = driver.calls
    assert (eight.kind, wide.kind) == (UINT8, FLOAT32)
    assert (eight.sizes, eight.strides, eight.box) == ((384, 40), (512,), (128, 32))
    assert (wide.sizes, wide.strides, wide.box) == ((40, 3), (176,), (64, 1))
    assert (eight.swizzle, wide.swizzle) == (3, 0)
    assert (eight.pointer, wide.pointer) == (values.data_ptr(), scales.data_ptr())


def test_gate_and_up_come_in_eights_by_turns(driver):
    width, experts = 96, 3
    weights = torch.arange(experts * 2 * width * 128, dtype=torch.float32).view(-1, 128)
    Maps(1).set_interleaved(0, weights, width)
    (call,) = driver.calls
    assert call.box == (128, 8, 2, 4, 1)
    # What the engine reads for column 0, by the description.
    steps = [stride // 4 for stride in call.strides]
    expert, group = 2, 4
    first = group * steps[2] + expert * steps[3]
    read = [
        weights.flatten()[first + g * steps[2] + half * steps[1] + row * steps[0]]
        for g in range(4)
        for half in range(2)
        for row in range(8)
    ]
    gate = weights[expert * 2 * width + 8 * group :, 0]
    up = weights[expert * 2 * width + width + 8 * group :, 0]
    assert torch.equal(
        torch.stack(read).view(4, 2, 8),
        torch.stack([gate[:32].view(4, 8), up[:32].view(4, 8)], dim=1),
    )
    assert call.sizes == (128, 8, 2, width // 8, experts)


def test_a_refused_matrix_is_described(driver):
    driver.status = 1
    with pytest.raises(RuntimeError, match=r"\(3, 39\), row stride 156 bytes \(CUDA status 1\)"):
        Maps(1).set(0, torch.zeros(3, 39), box=(1, 64), swizzled=False)
