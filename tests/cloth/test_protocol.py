"""The protocol is frozen: results stay comparable."""

import copy

from regard.cloth.protocol import differences, digest, frozen_protocol, protocol

FROZEN_SHA256 = "7f8cfbbbe50e5f1de9487adfe0bf566822f8d0f000083a47c14352af447cfc21"
"""Changing it makes all committed results and data sets of the cloth system obsolete."""


def test_criteria_ranges_rules_and_physics_are_the_frozen_ones():
    assert differences(frozen_protocol(), protocol()) == []
    assert digest(protocol()) == FROZEN_SHA256


def test_every_change_is_found_and_named():
    changed = copy.deepcopy(protocol())
    changed["tasks"]["fold-axis"]["criteria"]["base_drift"] = 0.2
    del changed["ranges"]["training"]["size"]
    found = differences(protocol(), changed)
    assert found == [
        "ranges.training.size: [0.24, 0.3] -> absent",
        "tasks.fold-axis.criteria.base_drift: 0.07 -> 0.2",
    ]
    assert digest(changed) != digest(protocol())


def test_the_digest_does_not_depend_on_order():
    reordered = dict(reversed(list(protocol().items())))
    assert digest(reordered) == digest(protocol())
