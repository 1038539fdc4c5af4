from dataclasses import replace

import pytest

from benchmarks.serving.slice import naming
from benchmarks.serving.slice.config import SliceConfig

H100 = "NVIDIA H100 80GB HBM3"


@pytest.mark.parametrize(
    ("changed", "device", "expected"),
    [
        ({}, H100, ""),
        ({}, "NVIDIA H200", "/h200"),
        ({"balanced": True}, H100, "/balanced"),
        ({"wire_bytes_per_second": 0}, H100, "/nvlink"),
        ({"wire_bytes_per_second": 40e9}, H100, "/40GBps"),
        ({"in_server_bytes_per_second": 450e9}, H100, "/in-server"),
        ({"context": 8192}, H100, "/8k"),
        ({"balanced": True, "context": 8192}, "NVIDIA H200", "/h200/balanced/8k"),
        ({"baseline": True}, H100, "/baseline"),
    ],
)
def test_only_the_case_asked_for_has_the_bare_name(changed, device, expected):
    assert naming.suffix(replace(SliceConfig(), **changed), device) == expected
