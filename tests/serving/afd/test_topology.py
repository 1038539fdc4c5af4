import pytest

from regard.serving.afd.topology import Topology, parse_topology
from regard.serving.errors import InvalidRequestError
from tests.serving.tiny import LLAMA, STEP3


def test_a_topology_is_read_from_its_name_and_printed_as_it():
    topology = parse_topology(" 3a2F", LLAMA)
    assert topology == Topology(3, 2, 1)
    assert str(topology) == "3A2F"


def test_experts_are_kept_whole_where_every_ffn_instance_gets_one():
    assert parse_topology("1A2F", STEP3).num_expert_groups == 2
    assert parse_topology("1A7F", STEP3).num_expert_groups == 1
    assert parse_topology("1A2F", LLAMA).num_expert_groups == 1
    assert parse_topology("1A4F", STEP3, num_expert_groups=2).num_expert_groups == 2


def test_the_shards_of_a_hybrid_are_a_grid():
    cells = [(s.expert_group, s.tensor_rank) for s in Topology(1, 4, 2).shards]
    assert cells == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert {(s.num_expert_groups, s.num_tensor_ranks) for s in Topology(1, 4, 2).shards} == {(2, 2)}


@pytest.mark.parametrize(
    ("text", "groups", "message"),
    [
        ("2F1A", None, "'2F1A' is not of the form 2A1F"),
        ("A1F", None, "not of the form"),
        ("0A1F", None, "0A1F needs at least one"),
        ("1A0F", None, "1A0F needs at least one"),
        ("1A4F", 3, "4 FFN instances cannot be divided into 3"),
        ("1A8F", 8, "8 expert groups for 6 experts"),
    ],
)
def test_what_cannot_be_is_refused(text, groups, message):
    with pytest.raises(InvalidRequestError, match=message):
        parse_topology(text, STEP3, groups)
