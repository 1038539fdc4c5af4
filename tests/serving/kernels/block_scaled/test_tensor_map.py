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


def test_rows_of_two_matrices_come_by_turns(driver):
    width, experts = 128, 3
    weights = torch.arange(experts * 2 * width * 128, dtype=torch.float32).view(-1, 128)
    Maps(1).set_pairs(0, weights, width)
    (call,) = driver.calls
    assert call.box == (128, 2, 64, 1)
    # What the engine reads for column 0, by the description.
    turn, row, pair = (stride // 4 for stride in call.strides)
    expert, first = 2, 64
    start = first * row + expert * pair
    read = [
        weights.flatten()[start + number * row + which * turn]
        for number in range(64)
        for which in range(2)
    ]
    gate = weights[expert * 2 * width + first :, 0]
    up = weights[expert * 2 * width + width + first :, 0]
    assert torch.equal(torch.stack(read).view(64, 2), torch.stack([gate[:64], up[:64]], dim=1))
    assert call.sizes == (128, 2, width, experts)


def test_a_refused_matrix_is_described(driver):
    driver.status = 1
    with pytest.raises(RuntimeError, match=r"\(3, 39\), row stride 156 bytes \(CUDA status 1\)"):
        Maps(1).set(0, torch.zeros(3, 39), box=(1, 64), swizzled=False)
