"""Ranks of torchrun as instances."""

import json
import signal
import subprocess
import sys
from datetime import timedelta

import httpx
import psutil
import pytest
from torch.distributed import HashStore

from regard.common.errors import UserError
from regard.serving.afd.join_command import TOKEN_VARIABLE
from regard.serving.afd.torchrun import Rank, TorchrunLauncher, read_rank
from tests.serving.afd.commands import (
    BODY,
    FLAGS,
    end,
    environment,
    free_port,
    tokens_of,
    tokens_of_one_piece,
)

PLACES = ["attention0", "ffn0"]
ENVIRONMENT = {
    "RANK": "2",
    "WORLD_SIZE": "4",
    "LOCAL_WORLD_SIZE": "3",
    "MASTER_ADDR": "10.0.0.1",
    "MASTER_PORT": "29500",
}


def rank(world_size=3, local_world_size=3) -> Rank:
    return Rank(0, world_size, local_world_size, "10.0.0.1")


def launcher(rank, store, address=("127.0.0.1", 7)) -> TorchrunLauncher:
    return TorchrunLauncher(rank, store, places=PLACES, address=address, token=lambda: "secret")


def told(store, number) -> dict:
    store.wait([f"regard/afd/{number}"], timedelta(seconds=1))
    return json.loads(store.get(f"regard/afd/{number}"))


def test_the_rank_is_read_from_torchrun_s_environment():
    assert read_rank(ENVIRONMENT) == Rank(2, 4, 3, "10.0.0.1")
    assert read_rank(ENVIRONMENT).has_other_hosts
    assert not rank().has_other_hosts


def test_without_torchrun_it_says_how_to_start():
    with pytest.raises(UserError, match=r"RANK, WORLD_SIZE not set: start with torchrun"):
        read_rank({**ENVIRONMENT, "RANK": "", "WORLD_SIZE": ""})


def test_every_rank_is_told_its_place_and_the_token(monkeypatch):
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    store = HashStore()
    started = launcher(rank(), store)
    for place in PLACES:
        assert started.start(place).poll() is None
    assert [told(store, number)["place"] for number in (1, 2)] == PLACES
    assert told(store, 1) == {
        "host": "127.0.0.1",
        "port": 7,
        "place": "attention0",
        "token": "secret",
    }


def test_a_token_from_the_environment_stays_out_of_the_store(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    store = HashStore()
    launcher(rank(), store).start("ffn0")
    assert told(store, 2)["token"] is None


def test_ranks_elsewhere_are_sent_to_an_address_that_they_reach(monkeypatch):
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    store = HashStore()
    launcher(rank(3, 2), store, ("0.0.0.0", 7)).start("ffn0")
    assert told(store, 2)["host"] == "10.0.0.1"
    with pytest.raises(UserError, match=r"cannot reach 127.0.0.1"):
        launcher(rank(3, 2), store)


def test_another_number_of_ranks_is_refused_with_the_sum():
    with pytest.raises(UserError, match="attention0, ffn0 and the service need 3 ranks.*started 5"):
        launcher(rank(5, 5), HashStore())


@pytest.mark.slow
def test_torchrun_gives_the_answers_of_one_piece_and_leaves_nothing_behind():
    expected, _ = tokens_of_one_piece("step3-mini")
    process = subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=3"]
        + [f"--master-port={free_port()}", "-m", "regard", "serve", "step3-mini", *FLAGS]
        + ["--afd=1A1F", "--torchrun", "--port=0"],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    ranks = []
    try:
        url = process.stdout.readline().split()[-1]
        ranks = psutil.Process(process.pid).children(recursive=True)
        assert len(ranks) == 3
        answer = httpx.post(f"{url}/completions", json=BODY, timeout=60).json()
        assert tokens_of(answer["choices"]) == expected
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert [each for each in ranks if each.is_running()] == []
    finally:
        process.kill()
        process.communicate()
        end(ranks)
