"""What a scene may be asked to hold."""

from typing import Any

import pytest

from regard.common.errors import UserError
from regard.world.objects.registry import held_out_objects
from regard.world.scene_config import SceneConfig


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"catalogue": "mine"}, "unknown catalogue 'mine'"),
        ({"num_objects": 1, "required": ("mug", "bowl")}, "fewer than the 2 required"),
        ({"gap_m": -0.1}, "must not be negative"),
        ({"reach_m": (0.5, 0.5)}, "reach_m must be a range"),
    ],
)
def test_what_cannot_be_is_refused_with_its_value(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        SceneConfig(**values)


def test_the_catalogue_decides_the_kinds() -> None:
    held_out = SceneConfig(catalogue="held-out").kinds()
    assert set(held_out) == set(held_out_objects())
    assert not set(SceneConfig().kinds()) & set(held_out)
    assert len(SceneConfig(catalogue="all").kinds()) > len(held_out)
