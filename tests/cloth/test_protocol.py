"""The protocol is frozen: results stay comparable."""

import copy

import pytest

from regard.cloth.errors import ClothError
from regard.cloth.protocol import differences, digest, frozen_protocol, protocol, protocol_of

FROZEN_SHA256 = "e0dbfb5e4a2f834613198197ebccc0a17ea1065b7e823ffcaf325ff8aaa97c95"
"""Changing it makes all committed results and data sets of the cloth system obsolete."""

FOLDS_SHA256 = "7f8cfbbbe50e5f1de9487adfe0bf566822f8d0f000083a47c14352af447cfc21"
"""Named by the rows of the folds: the frozen protocol before flattening began at a coverage of 0.4
instead of 0.5."""


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


def test_since_the_rows_of_the_folds_only_the_start_of_flattening_changed():
    before = protocol()
    del before["tasks"]["flatten"]["max_start_coverage"]
    before["episode"]["max_start_coverage"] = 0.5
    assert digest(before) == FOLDS_SHA256


def test_a_change_to_one_task_leaves_results_of_the_others_valid(monkeypatch):
    changed = copy.deepcopy(protocol())
    changed["tasks"]["flatten"]["criteria"]["coverage"] = 0.9
    monkeypatch.setattr("regard.cloth.protocol.protocol", lambda: changed)
    after = {task: digest(protocol_of(task)) for task in ("fold-axis", "flatten")}
    monkeypatch.undo()
    assert after["fold-axis"] == digest(protocol_of("fold-axis"))
    assert after["flatten"] != digest(protocol_of("flatten"))


def test_the_protocol_of_an_unknown_task_is_an_error():
    with pytest.raises(ClothError, match="unknown task"):
        protocol_of("fold-sleeve")


def test_the_digest_does_not_depend_on_order():
    reordered = dict(reversed(list(protocol().items())))
    assert digest(reordered) == digest(protocol())
