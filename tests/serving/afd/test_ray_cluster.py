import sys

import pytest

from regard.common.errors import UserError
from regard.serving.afd import ray_cluster as module
from regard.serving.afd.ray_cluster import RayCluster, Room
from tests.serving.afd.commands import free_port
from tests.serving.afd.ray_clusters import NUM_CPUS, local_cluster, wait_for_free_cpus


def test_a_room_is_a_bundle_without_what_it_does_not_need():
    assert Room(2, 0, 1000).bundle == {"CPU": 2.0, "memory": 1000.0}
    assert Room(1, 1, 0).bundle == {"CPU": 1.0, "GPU": 1.0}


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"not installed: pip install -e '\.\[ray\]'"):
        RayCluster("auto")


@pytest.mark.parametrize("host", ["127.0.0.1", "no.such.host.invalid"])
def test_an_address_where_nobody_answers_is_named(host):
    pytest.importorskip("ray")
    address = f"{host}:{free_port()}"
    with pytest.raises(UserError, match=f"no Ray cluster answers at {address}: "):
        RayCluster(address)


def test_an_address_that_is_none_is_named(monkeypatch):
    pytest.importorskip("ray")
    with pytest.raises(UserError, match="no Ray cluster answers at here: .*start one with `ray"):
        RayCluster("here")


def test_another_token_than_the_cluster_s_is_said(monkeypatch):
    ray = pytest.importorskip("ray")

    def refuse(**options):
        raise ConnectionError("failed") from RuntimeError("RPC error: InvalidAuthToken: missing")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(UserError, match="answers at auto: failed; set RAY_AUTH_MODE and RAY_AUTH"):
        RayCluster("auto")


@pytest.mark.slow
def test_room_is_kept_on_one_host_each_or_refused_with_the_sums(monkeypatch):
    with local_cluster() as address:
        cluster = RayCluster(address)
        assert not cluster.has_other_hosts
        rooms = {f"ffn{number}": Room(2, 0, 1 << 20) for number in range(2)}
        groups = cluster.reserve(rooms)
        table = cluster.ray.util.placement_group_table
        assert [table(each)["strategy"] for each in groups.values()] == ["STRICT_PACK"] * 2
        monkeypatch.setattr(module, "RESERVE_SECONDS", 0.5)
        with pytest.raises(UserError, match=r"no host with room for ffn9: .* need 1 CPUs.*free: 0"):
            cluster.reserve({"ffn9": Room(1, 0, 0)})
        cluster.release(groups.values())
        wait_for_free_cpus()
        with pytest.raises(UserError, match=f"free: {NUM_CPUS} CPUs"):
            cluster.reserve({"ffn9": Room(NUM_CPUS + 1, 0, 0)})
        cluster.close()
        assert cluster.ray.is_initialized()
