"""Policies by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from regard.cloth.errors import ClothError
from regard.cloth.nmpc.oracle import OraclePolicy
from regard.cloth.nmpc.policy import NmpcPolicy
from regard.cloth.policies.baselines import DoNothingPolicy, RandomPolicy
from regard.cloth.policies.contract import Policy
from regard.cloth.policies.saved import is_path, load_policy
from regard.cloth.policies.scripted import ScriptedPolicy

UNSTEADINESS = 0.04
"""Noise of the script that stands in for a person, in edges of the cloth."""

POLICIES: Mapping[str, Callable[[], Policy]] = MappingProxyType(
    {
        "do_nothing": DoNothingPolicy,
        "random": RandomPolicy,
        "scripted": ScriptedPolicy,
        "scripted_noisy": lambda: ScriptedPolicy(noise=UNSTEADINESS),
        "nmpc": NmpcPolicy,
        "oracle": OraclePolicy,
    }
)
"""What makes each policy."""


def make_policy(name: str) -> Policy:
    """The policy of that name, or the saved one at that path.

    Raises:
        ClothError: There is none.
    """
    if is_path(name):
        return load_policy(Path(name))
    if name not in POLICIES:
        raise ClothError(f"unknown policy {name!r}; choose one of: {', '.join(POLICIES)}")
    return POLICIES[name]()
