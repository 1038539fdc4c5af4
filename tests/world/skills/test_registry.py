"""All skills, by name."""

import pytest

from regard.world.skills.registry import KINDS, skills


def test_every_skill_of_the_design_is_there() -> None:
    wanted = "fetch put_in put_on pour water press open close wipe tidy hand_over"
    assert set(skills()) == set(wanted.split())


def test_names_are_unique_and_objects_new() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert skills()["wipe"] is not skills()["wipe"]


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        skills()["dance"] = None  # type: ignore[index]
