"""Small cases of the whole model on a CPU."""

import torch

from benchmarks.serving.full.build import build_step, plain_operators
from benchmarks.serving.full.config import FullConfig, model_config
from benchmarks.serving.full.host_machine import HostMachine
from benchmarks.serving.full.weights import draw_weights

CPU = torch.device("cpu")
MINI = model_config("step3-mini")
STEP3 = model_config("step3")


def mini(num_attention=2, num_ffn=3, **changed):
    given = {"batch": 4, "num_microbatches": 2, "context": 64, "layers": (1, 2), **changed}
    return FullConfig(model=MINI, num_attention=num_attention, num_ffn=num_ffn, **given)


def whole(num_attention=4, num_ffn=4, **changed):
    given = {"batch": 192, **changed}
    return FullConfig(model=STEP3, num_attention=num_attention, num_ffn=num_ffn, **given)


def devices(config):
    return [CPU] * config.num_attention, [CPU] * config.num_ffn


def step_of(config, machine=None, weights=None):
    where = devices(config)
    return build_step(
        config, machine or HostMachine(), where, weights or draw_weights(config, *where),
        plain_operators(),
    )  # fmt: skip


def sampled(config, num_steps=2, machine=None):
    """(steps, parts, rows): the tokens of some steps."""
    step = step_of(config, machine)
    found = []
    for _ in range(num_steps):
        step.run()
        found.append(step.tokens())
    return torch.stack(found)
