"""Accelerators: shipped ones with sources, and a user's own on top."""

from pathlib import Path

import pytest

from regard.serving.cost.accelerators import (
    KEYS,
    SCALARS,
    choose,
    read_accelerators,
    shipped_accelerators,
)
from regard.serving.cost.errors import CostError
from regard.serving.cost.precision import Precision

OWN = """
mine:
  label: Mine
  usd_per_hour: {value: 1.5, source: invoice}
  flops: {bf16: {value: 1.0e+14, source: data sheet}}
  memory_bytes_per_second: {value: 1.0e+12, source: data sheet}
  memory_bytes: {value: 1.0e+10, source: data sheet}
  gpus_per_server: {value: 8, source: data sheet}
  network_bytes_per_second: {value: 1.0e+11, source: data sheet}
  link_bytes_per_second: {value: 1.0e+11, source: data sheet}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_named_ones_ship_and_every_value_has_a_source() -> None:
    named = {"h800", "h20", "a800", "910b", "h100", "h200", "b200", "gb200", "l20", "l40s"}
    assert named | {"a100", "mi300x"} <= set(shipped_accelerators())
    for each in shipped_accelerators().values():
        wanted = {*SCALARS, *(f"flops {precision}" for precision in each.flops)}
        assert set(each.sources) == wanted
        assert all(source.strip() for source in each.sources.values())


def test_a_users_file_lies_on_top(tmp_path: Path) -> None:
    read = read_accelerators(written(tmp_path, OWN + OWN.replace("mine:", "h20:")))
    assert read["mine"].usd_per_byte == pytest.approx(1.5 / 3600 / 1e12)
    assert read["h20"].label == "Mine"
    assert read["h800"] == shipped_accelerators()["h800"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: 1.5", "value: -1.5", "usd_per_hour is -1.5"),
        ("value: 1.0e+10", "value: 1e10", "memory_bytes is '1e10'.*1.0e"),
        ("{value: 1.5, source: invoice}", "1.5", "usd_per_hour is 1.5; write"),
        ("bf16:", "fp7:", "unknown precision 'fp7'"),
        ("  label: Mine", "  lable: Mine", r"unknown keys \['lable'\]"),
        ("  label: Mine\n", "", r"missing keys \['label'\]"),
        ("{bf16: {value: 1.0e+14, source: data sheet}}", "{}", "flops names no format"),
        (OWN, "[1]", "no mapping"),
        (OWN, "mine: 3", "mine is 3"),
        (OWN, "{", "not a readable YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(CostError, match=message):
        read_accelerators(written(tmp_path, OWN.replace(old, new)))


def test_arithmetic_falls_back_where_a_format_is_missing() -> None:
    a800, b200 = (shipped_accelerators()[name] for name in ("a800", "b200"))
    assert a800.compute_precision(Precision.FP8) is Precision.BF16
    assert a800.compute_precision(Precision.MXFP4) is Precision.BF16
    assert b200.compute_precision(Precision.MXFP4) is Precision.MXFP4


def test_a_price_can_be_given_and_must_be_one() -> None:
    l20 = shipped_accelerators()["l20"]
    with pytest.raises(CostError, match="--price l20="):
        _ = l20.usd_per_byte
    assert l20.with_price(0.5).usd_per_second == pytest.approx(0.5 / 3600)
    with pytest.raises(CostError, match="price of l20 is 0"):
        l20.with_price(0)


def test_an_unknown_one_is_refused_with_the_nearest() -> None:
    assert choose(shipped_accelerators(), "H100").name == "h100"
    with pytest.raises(CostError, match="did you mean 'h100'"):
        choose(shipped_accelerators(), "h1000")
    assert set(SCALARS) < set(KEYS)
