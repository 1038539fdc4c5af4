"""Configurations of the Step-3 paper.

Source: arXiv:2507.19427v1. Its AFD section splits a budget of 50 ms a token over 61 layers and
three balanced stages, attention, FFN and communication, which gives 272 us for each of them. The
link's part is divided as in the introduction of StepMesh, the paper's transport: 91 us out and
182 us back. Rows are the batches of its decoding results over attention servers and micro-batches.
The times are that budget, not measurements of a stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime

STAGE_US = 272.0
OUT_US = 91.0
BACK_US = 182.0
NUM_LAYERS = 61
NUM_MICROBATCHES = 3
GPUS_PER_SERVER = 8


@dataclass(frozen=True)
class Preset:
    """A configuration and what was published about it."""

    config: SimulationConfig
    """What is simulated."""
    gpus_per_instance: int
    """GPUs of a server, which is one instance."""
    published_tokens_per_second_per_gpu: float
    """What the paper measured in this configuration."""
    summary: str
    """Context, precision, batch."""


def _step3(num_attention: int, num_ffn: int, batch: int) -> SimulationConfig:
    return SimulationConfig(
        num_attention=num_attention,
        num_ffn=num_ffn,
        num_layers=NUM_LAYERS,
        num_microbatches=NUM_MICROBATCHES,
        rows=batch // (num_attention * NUM_MICROBATCHES),
        attention=StageTime.constant(STAGE_US),
        ffn=StageTime.constant(STAGE_US),
        link_out=LinkTime(OUT_US),
        link_back=LinkTime(BACK_US),
        lock_step=True,
    )


PRESETS = MappingProxyType(
    {
        "step3-2a2f-4k": Preset(
            _step3(2, 2, 6144), GPUS_PER_SERVER, 4039, "4096 tokens, FP8 attention, batch 6144"
        ),
        "step3-3a2f-4k": Preset(
            _step3(3, 2, 6048), GPUS_PER_SERVER, 3321, "4096 tokens, BF16 attention, batch 6048"
        ),
        "step3-4a2f-8k": Preset(
            _step3(4, 2, 6144), GPUS_PER_SERVER, 2643, "8192 tokens, FP8 attention, batch 6144"
        ),
    }
)
