"""All skills, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from regard.world.skills.contract import Skill
from regard.world.skills.fetch import Fetch, HandOver
from regard.world.skills.openable import Close, Open
from regard.world.skills.pour import Pour, Water
from regard.world.skills.press import Press
from regard.world.skills.put import PutIn, PutOn, Tidy
from regard.world.skills.wipe import Wipe

KINDS: tuple[type[Skill], ...] = (
    Fetch,
    PutIn,
    PutOn,
    Pour,
    Water,
    Press,
    Open,
    Close,
    Wipe,
    Tidy,
    HandOver,
)


def skills() -> Mapping[str, Skill]:
    """A new object of every skill, by name."""
    return MappingProxyType({kind.name: kind() for kind in KINDS})
