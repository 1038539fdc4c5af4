"""The parts of a step against sums by hand."""

import pytest

from regard.serving.cost.deployment import Sharding
from regard.serving.cost.efficiency import NOMINAL
from regard.serving.cost.stage_times import stage_times
from tests.serving.cost.deployments import deployment


def test_the_floors_of_2a2f_are_those_counted_by_hand() -> None:
    found, layers = stage_times(deployment(), NOMINAL), 61
    us = 1e6 / layers
    assert found.cache_reads * us == pytest.approx(128 * 4096 * 512 / 3.35e12 * 1e6)
    assert found.projections * us == pytest.approx(169_345_024 / 3.35e12 * 1e6)
    # 0.92 MB to each of two servers over a NIC of 50 GB/s; BF16 from each of them.
    assert found.wire_out * us == pytest.approx(2 * 128 * 7168 * (1 + 4 / 128) / 50e9 * 1e6)
    assert found.wire_back * us == pytest.approx(2 * 128 * 7168 * 2 / 50e9 * 1e6)
    assert found.gather * us == pytest.approx(2048 * 7168 * (1 + 4 / 128) * 7 / 8 / 450e9 * 1e6)
    experts = 56 * (48 * 3 * 7168 * 5120) / 16 / 3.35e12
    shared = 56 * 2 * 2048 * 3 * 7168 * 5120 / 16 / 1.978e15
    dense = 5 * 2 * 2048 * 3 * 7168 * 18432 / 16 / 1.978e15
    assert found.feed_forward == pytest.approx(experts + shared + dense)
    assert found.attention_binds == "memory bandwidth"


def test_one_server_needs_no_network() -> None:
    one = stage_times(deployment(attention_servers=1, ffn_servers=0), NOMINAL)
    assert one.wire_out < stage_times(deployment(), NOMINAL).wire_out / 5


def test_whole_experts_are_sent_to_by_copies_and_not_gathered() -> None:
    found = stage_times(deployment(sharding=Sharding.EXPERT), NOMINAL)
    assert found.gather == found.scatter == 0
    # Three routed experts and the shared one, against two servers.
    assert found.wire_out == pytest.approx(2 * stage_times(deployment(), NOMINAL).wire_out)
