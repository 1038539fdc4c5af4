"""Instances as actors of a local Ray cluster."""

import asyncio
import signal
import subprocess
import sys

import httpx
import psutil
import pytest

from regard.common.errors import UserError
from regard.serving.afd.config import AfdConfig
from regard.serving.afd.ray_cluster import Room
from regard.serving.afd.ray_launcher import RayLauncher, make_rooms
from regard.serving.afd.service import make_service
from regard.serving.engine import Engine
from tests.serving.afd.commands import BODY, FLAGS, environment, tokens_of, tokens_of_one_piece
from tests.serving.afd.ray_clusters import local_cluster, wait_for_free_cpus
from tests.serving.afd.services import CONFIG, answers, until
from tests.serving.afd.topologies import greedy

PROMPTS = [[10, 20, 30], list(range(40, 100)), [7], [250, 3, 9, 11, 200]]
HELD = {"attention0": 100, "ffn0": 200}


@pytest.mark.parametrize(
    ("device", "num_free_gpus", "has_gpus"),
    [("cpu", 9, False), ("auto", 1, False), ("auto", 2, True), ("cuda", 0, True)],
)
def test_instances_have_gpus_where_there_are_enough(device, num_free_gpus, has_gpus):
    rooms = make_rooms(HELD, device=device, num_cpus=3, num_free_gpus=num_free_gpus)
    if has_gpus:
        assert rooms == dict.fromkeys(HELD, Room(3, 1, 0))
    else:
        assert rooms == {"attention0": Room(3, 0, 100), "ffn0": Room(3, 0, 200)}


def test_loopback_is_refused_where_the_cluster_has_other_hosts():
    class TwoHosts:
        own_host = "10.0.0.1"
        has_other_hosts = True

    with pytest.raises(UserError, match="cannot reach 127.0.0.1: say with --afd-listen 10.0.0.1:0"):
        RayLauncher(TwoHosts(), {}, address=("127.0.0.1", 7), token=str)


@pytest.fixture(scope="module")
def cluster():
    with local_cluster() as address:
        yield address


def instances() -> list[psutil.Process]:
    """Actors on this machine."""
    children = psutil.Process().children(recursive=True)
    return [process for process in children if "ray::Instance" in process.name()]


def groups() -> set[str]:
    """States of all placement groups."""
    from ray.util import placement_group_table

    return {each["state"] for each in placement_group_table().values()}


@pytest.mark.slow
async def test_actors_give_the_tokens_of_one_piece_and_a_killed_one_is_replaced(cluster):
    whole = Engine(CONFIG)
    expected = await asyncio.to_thread(greedy, [whole], PROMPTS, 80)
    engine = make_service(CONFIG, AfdConfig(afd="2A1F", ray=cluster))
    await engine.start()
    try:
        assert len(instances()) == 3
        assert await answers(engine, PROMPTS, max_tokens=80) == expected
        asking = asyncio.ensure_future(answers(engine, PROMPTS, max_tokens=80))
        await asyncio.sleep(0.3)
        engine.coordinator.places["ffn0"].process.kill()
        assert await until(lambda: not engine.coordinator.places["ffn0"].is_ready) < 2
        assert await asking == expected
        running = instances()
    finally:
        await engine.stop(0)
    psutil.wait_procs(running, timeout=10)
    assert [process for process in running if process.is_running()] == []
    assert groups() == {"REMOVED"}


@pytest.mark.slow
async def test_a_layout_without_room_is_refused_and_leaves_nothing(cluster, monkeypatch):
    wait_for_free_cpus()
    monkeypatch.setattr("regard.serving.afd.ray_cluster.RESERVE_SECONDS", 1.0)
    with pytest.raises(UserError, match="8 in all need 8 CPUs, .*; free: 4 CPUs"):
        make_service(CONFIG, AfdConfig(afd="7A1F", ray=cluster))
    assert groups() == {"REMOVED"}


@pytest.mark.slow
def test_the_command_serves_from_actors_and_ends_them(cluster):
    expected, _ = tokens_of_one_piece("step3-mini")
    command = [sys.executable, "-m", "regard", "serve", "step3-mini", *FLAGS]
    with subprocess.Popen(
        [*command, "--afd=1A1F", f"--ray={cluster}", "--port=0"],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            url = next(line for line in process.stdout if line.startswith("serving")).split()[-1]
            answer = httpx.post(f"{url}/completions", json=BODY, timeout=60).json()
            assert tokens_of(answer["choices"]) == expected
            running = instances()
            assert len(running) == 2
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
    psutil.wait_procs(running, timeout=10)
    assert [each for each in running if each.is_running()] == []
