"""Arguments and their schema."""

from dataclasses import dataclass, field

import pytest

from regard.world.failures import FailureKind, SkillFailure
from regard.world.skills.contract import Arguments


@dataclass(frozen=True, kw_only=True)
class PaintArguments(Arguments):
    object: str = field(metadata={"help": "what is painted"})
    colour: str = field(metadata={"help": "how"})


def test_a_schema_comes_from_the_fields() -> None:
    schema = PaintArguments.schema()
    assert schema["required"] == ["object", "colour"]
    assert schema["properties"]["colour"] == {"type": "string", "description": "how"}
    assert schema["additionalProperties"] is False


def test_arguments_are_read_from_a_mapping() -> None:
    parsed = PaintArguments.parse({"object": "mug_1", "colour": "red"})
    assert parsed == PaintArguments(object="mug_1", colour="red")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"object": "mug_1"}, "colour"),
        ({"object": "", "colour": "red"}, "object"),
        ({"object": 7, "colour": "red"}, "7"),
        ({"object": "mug_1", "colour": "red", "size": "x"}, "size"),
    ],
)
def test_what_is_wrong_is_named(values: dict, named: str) -> None:
    with pytest.raises(SkillFailure, match=named) as caught:
        PaintArguments.parse(values)
    assert caught.value.kind is FailureKind.IMPOSSIBLE
