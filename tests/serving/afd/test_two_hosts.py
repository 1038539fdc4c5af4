"""The commands of docs/design/afd.md for several machines, on two hosts."""

import json
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest

from regard.serving.afd.join_command import TOKEN_VARIABLE
from tests.serving.afd.commands import (
    BODY,
    FLAGS,
    NUM_TOKENS,
    environment,
    tokens_of,
    tokens_of_one_piece,
)
from tests.serving.afd.hosts import Host, two_hosts

FLOAT32_NBYTES = 4
CONTROL_PORT, HTTP_PORT, MASTER_PORT = 29600, 8000, 29500
ASK = """
import json, sys, httpx
url, body = sys.argv[1], json.loads(sys.argv[2])
print(json.dumps(httpx.post(url, json=body, timeout=120).raise_for_status().json()["choices"]))
"""


@contextmanager
def started(commands: list[tuple[Host, list[str]]]):
    """Python modules on hosts, all at once."""
    with ExitStack() as stack:
        processes = []
        for host, arguments in commands:
            process = subprocess.Popen(
                host.command(sys.executable, "-m", *arguments),
                env=environment(**{TOKEN_VARIABLE: "a secret of both"}),
                stdout=subprocess.PIPE,
                text=True,
            )
            processes.append(stack.enter_context(process))
            stack.callback(process.kill)
        yield processes


def ask(host: Host) -> list[dict]:
    """POST to the server of this host, from this host."""
    url = f"http://127.0.0.1:{HTTP_PORT}/v1/completions"
    command = host.command(sys.executable, "-c", ASK, url, json.dumps(BODY))
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_instances_that_join_from_two_hosts_give_the_answers_of_one_piece():
    expected, model = tokens_of_one_piece("default")
    with two_hosts() as (one, two):
        control = f"{one.address}:{CONTROL_PORT}"
        serve = ["regard", "serve", "default", *FLAGS, "--afd=2A1F", "--no-afd-spawn"]
        serve += [f"--afd-listen={control}", f"--port={HTTP_PORT}"]
        homes = {"attention0": one, "attention1": two, "ffn0": two}
        joins = [(h, ["regard", "afd", "join", control, "--place", p]) for p, h in homes.items()]
        with started([(one, serve), *joins]) as (service, *instances):
            assert service.stdout.readline().startswith("serving")
            assert tokens_of(ask(one)) == expected
            # attention0 has at least one prompt, and ffn0 is across the cable.
            rows_nbytes = NUM_TOKENS * model.num_layers * model.hidden_size * FLOAT32_NBYTES
            assert min(one.num_bytes_sent(), two.num_bytes_sent()) > rows_nbytes
            service.send_signal(signal.SIGTERM)
            assert service.wait(30) == 0
            assert [instance.wait(30) for instance in instances] == [0, 0, 0]
            assert one.process_ids() == two.process_ids() == []


@pytest.mark.slow
def test_torchrun_on_two_hosts_gives_the_answers_of_one_piece():
    expected, _ = tokens_of_one_piece("step3-mini")
    with two_hosts() as (one, two):
        serve = ["regard", "serve", "step3-mini", *FLAGS, "--afd=1A2F", "--torchrun"]
        serve += [f"--afd-listen={one.address}:{CONTROL_PORT}", f"--port={HTTP_PORT}"]
        commands = []
        for number, host in enumerate((one, two)):
            group = ["--nnodes=2", "--nproc-per-node=2", f"--node-rank={number}"]
            group += [f"--master-addr={one.address}", f"--master-port={MASTER_PORT}"]
            commands.append((host, ["torch.distributed.run", *group, "-m", *serve]))
        with started(commands) as (first, second):
            assert first.stdout.readline().startswith("serving")
            assert tokens_of(ask(one)) == expected
            first.send_signal(signal.SIGTERM)
            first.wait(60)
            second.wait(60)
            assert one.process_ids() == two.process_ids() == []
