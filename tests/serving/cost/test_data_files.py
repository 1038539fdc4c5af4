"""Shipped data and a user's files."""

from pathlib import Path

import pytest

from regard.serving.cost.accelerators import shipped_accelerators
from regard.serving.cost.data_files import read_shipped, read_user_file, shipped_models
from regard.serving.cost.errors import CostError


def test_what_the_paper_compares_is_shipped() -> None:
    paper = read_shipped("paper.yaml")
    assert len(paper["models"]) == 9
    assert set(paper["models"]) <= set(shipped_models())
    assert set(paper["accelerators"]) <= set(shipped_accelerators())


def test_every_configuration_names_where_it_was_read() -> None:
    for name in shipped_models():
        data = read_shipped(f"models/{name}.yaml")
        assert (
            "from memory" in data["source"]
            or "github.com" in data["source"]
            or "MindIE" in data["source"]
        )


@pytest.mark.parametrize("text", ["[1]", "{", "1"])
def test_a_broken_file_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(CostError, match=r"own\.yaml") as caught:
        read_user_file(path)
    assert "\n" not in str(caught.value)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CostError, match="not a readable YAML file"):
        read_user_file(tmp_path / "absent.yaml")
