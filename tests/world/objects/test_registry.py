"""Catalogues of objects."""

from pathlib import Path

import pytest

from regard.world.objects.contract import ObjectFileError
from regard.world.objects.registry import DEVELOPMENT_FOLDER, development_objects, read_catalogue

GOOD = (DEVELOPMENT_FOLDER / "catalogue.toml").read_text(encoding="utf-8")
MUG = GOOD[GOOD.index("[mug]") : GOOD.index("[bowl]")]


def catalogue(folder: Path, text: str) -> Path:
    (folder / "mug.xml").write_text("<mujoco/>", encoding="utf-8")
    (folder / "catalogue.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_catalogue_is_read(tmp_path: Path) -> None:
    mug = read_catalogue(catalogue(tmp_path, MUG))["mug"]
    assert mug.mass_kg == 0.118
    assert mug.colours[0] == "blue"
    assert mug.file == tmp_path / "mug.xml"


def test_every_kind_has_a_file_and_every_file_a_kind() -> None:
    files = {path.stem for path in DEVELOPMENT_FOLDER.glob("*.xml")} - {"common"}
    assert files == set(development_objects())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mass_kg = 0.118", "mass_kg = 0.0", "mass_kg must be positive"),
        ("mass_kg = 0.118", 'mass_kg = "heavy"', "mass_kg must be of type float"),
        ("mass_kg = 0.118", "", "missing keys: mass_kg"),
        ("mass_kg = 0.118", "mass_kg = 0.118\nweight = 1.0", "unknown keys: weight"),
        ('"contain"', '"fly"', "'fly' is not a valid Affordance"),
        ('"blue"', '"mauve"', "unknown colours"),
        ("YCB 025 mug: 118 g", " ", "mass_source must say where"),
        ("-0.041, 0.041]", "0.041]", "footprint_m needs"),
    ],
)
def test_a_wrong_entry_is_named_with_file_and_line(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert old in MUG
    with pytest.raises(ObjectFileError) as caught:
        read_catalogue(catalogue(tmp_path, "# first line\n" + MUG.replace(old, new)))
    assert "catalogue.toml: line 2: mug: " in str(caught.value)
    assert message in str(caught.value)


def test_broken_toml_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ObjectFileError, match="line 2"):
        read_catalogue(catalogue(tmp_path, "[mug]\nlabel = \n"))


def test_missing_geometry_and_a_missing_catalogue_are_said(tmp_path: Path) -> None:
    with pytest.raises(ObjectFileError, match="cannot be read"):
        read_catalogue(tmp_path)
    folder = catalogue(tmp_path, MUG)
    (folder / "mug.xml").unlink()
    with pytest.raises(ObjectFileError, match="mug.xml is missing"):
        read_catalogue(folder)
