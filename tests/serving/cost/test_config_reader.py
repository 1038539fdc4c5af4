"""Reading keys without guessing."""

from typing import Any

import pytest

from regard.serving.cost.config_reader import ConfigReader
from regard.serving.cost.errors import CostError


def reader(**config: Any) -> ConfigReader:
    return ConfigReader(config, name="mine", family="llama")


@pytest.mark.parametrize("value", ["7", 7.0, True, 0, -7])
def test_only_whole_numbers_of_the_right_size_pass(value: object) -> None:
    assert reader(k=7).whole("k") == 7
    with pytest.raises(CostError, match="mine: k is"):
        reader(k=value).whole("k")


def test_a_missing_key_is_named_with_the_family() -> None:
    with pytest.raises(CostError, match="key 'k' is missing; it was read as family llama"):
        reader(k=None).whole("k")


def test_what_is_taken_instead_is_remembered() -> None:
    config = reader(there=3)
    assert config.whole_or("there", 5, "why") == 3
    assert config.whole_or("absent", 5, "why") == 5
    assert config.flag_or("flag", True, "so") is True
    assert config.assumptions == (
        "absent is absent: taken as 5 (why)",
        "flag is absent: taken as True (so)",
    )
    assert config.optional_whole("absent") is None


def test_flags_lists_and_names_are_checked() -> None:
    assert reader(k=True).flag_or("k", False, "x") is True
    assert reader(k="1,2").whole_list("k") == [1, 2]
    assert reader(k=["a", "b"]).names("k", ("a", "b")) == ["a", "b"]
    for call in (
        lambda: reader(k=1).flag_or("k", False, "x"),
        lambda: reader(k=1).whole_list("k"),
        lambda: reader(k=["x"]).whole_list("k"),
        lambda: reader(k=["c"]).names("k", ("a",)),
        lambda: reader(k="c").names("k", ("a",)),
        lambda: reader(k=True).refuse_when("k", "not read"),
    ):
        with pytest.raises(CostError, match="mine: k"):
            call()
    reader(k=False).refuse_when("k", "not read")
