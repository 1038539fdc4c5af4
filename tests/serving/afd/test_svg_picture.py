from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from regard.serving.afd.picture import Bar, Picture, picture_of
from regard.serving.afd.svg_picture import LABEL, MAX_ARROWS, WIDTH, svg_of, write_svg
from regard.serving.afd.trace import TraceError
from tests.serving.afd.traces import noisy_config, simulated_trace

PICTURE = picture_of(simulated_trace(noisy_config(num_steps=1)), layers=(2, 4))
NAMESPACE = "{http://www.w3.org/2000/svg}"


def test_the_drawing_is_xml_with_a_bar_for_each_stage() -> None:
    root = ElementTree.fromstring(svg_of(PICTURE))
    bars = [
        each for each in root.iter(f"{NAMESPACE}rect") if each.find(f"{NAMESPACE}title") is not None
    ]
    expected = sum(bar.stage != "receive" for lane in PICTURE.lanes.values() for bar in lane)
    assert len(bars) == expected
    for bar in bars:
        assert float(bar.get("x", "")) >= LABEL
        assert float(bar.get("x", "")) + float(bar.get("width", "")) <= LABEL + WIDTH + 1
    texts = {each.text for each in root.iter(f"{NAMESPACE}text")}
    assert {"attention0", "ffn1", "micro-batch 2", PICTURE.title} <= texts


def test_arrows_are_drawn_while_they_can_be_told_apart() -> None:
    few = svg_of(PICTURE).count("<path")
    many = svg_of(replace(PICTURE, arrows=PICTURE.arrows * MAX_ARROWS)).count("<path")
    assert few - many == len(PICTURE.arrows) > 0


def test_names_are_escaped() -> None:
    picture = Picture("a < b & c", 10.0, {"x<y": (Bar(0, 5, "attention", 0, 0),)}, (), 2)
    root = ElementTree.fromstring(svg_of(picture))
    assert "2 more workers" in {each.text for each in root.iter(f"{NAMESPACE}text")}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="absent"):
        write_svg(tmp_path / "absent" / "step.svg", PICTURE)
