"""No distribution in the environment binds its users to copyleft."""

import re
from importlib import metadata

import pytest

COPYLEFT = re.compile(
    r"\b(A|L)?GPL|GNU (AFFERO |LESSER |LIBRARY )?(GENERAL PUBLIC|GPL)|AFFERO", re.IGNORECASE
)
# name -> why it may stay although its metadata names a GPL, LGPL or AGPL.
REASONS = {
    "qpsolvers": "LGPL-3.0; imported, unchanged, by mink, which solves the arm's kinematics",
}


def licence_words(meta: metadata.PackageMetadata) -> list[str]:
    """Licence expression, short licence field and classifiers of a distribution."""
    words = [meta.get("License-Expression") or ""]
    licence = meta.get("License") or ""
    # Some put the whole text here; every long text names other licences in passing.
    words.append(licence if len(licence) < 200 else licence.strip().splitlines()[0])
    words += [each for each in meta.get_all("Classifier") or [] if each.startswith("License ::")]
    return [word for word in words if word]


def is_copyleft(words: list[str]) -> bool:
    """Whether no way of reading the metadata leaves a permissive choice."""
    if not any(COPYLEFT.search(word) for word in words):
        return False
    expression = words[0]
    if " OR " in expression:
        return all(COPYLEFT.search(part) for part in expression.split(" OR "))
    return True


def test_no_installed_distribution_is_copyleft() -> None:
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        words = licence_words(distribution.metadata)
        if is_copyleft(words) and name.lower() not in REASONS:
            found[name] = words
    assert found == {}


@pytest.mark.parametrize(
    ("words", "copyleft"),
    [
        (["GPL-3.0-or-later"], True),
        (["LGPLv2+"], True),
        (["License :: OSI Approved :: GNU Affero General Public License v3"], True),
        (["GNU General Public License"], True),
        (["MIT OR GPL-2.0-only"], False),
        (["Apache-2.0", "License :: OSI Approved :: Apache Software License"], False),
        (["GPL-2.0-only OR LGPL-2.1-only"], True),
        (["MPL-2.0"], False),
    ],
)
def test_the_reading_of_licences(words: list[str], copyleft: bool) -> None:
    assert is_copyleft(words) is copyleft


def test_every_exception_has_a_reason_and_is_installed() -> None:
    installed = {each.metadata["Name"].lower() for each in metadata.distributions()}
    assert all(REASONS.values())
    assert set(REASONS) <= installed
