"""Policies by name."""

import pytest

from regard.cloth.errors import ClothError
from regard.cloth.policies.registry import POLICIES, make_policy


@pytest.mark.parametrize("name", POLICIES)
def test_every_name_makes_a_policy(name):
    policy = make_policy(name)
    assert callable(policy.act)
    assert callable(policy.begin)


def test_an_unknown_name_is_refused_with_the_choices():
    with pytest.raises(ClothError, match="'magic'.*do_nothing, random, scripted"):
        make_policy("magic")
