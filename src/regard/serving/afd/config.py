"""The options of a disaggregated engine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MAX_MICROBATCHES = 4


@dataclass(frozen=True, kw_only=True)
class AfdConfig:
    """How attention and FFN instances are laid out and joined."""

    afd: str | None = None
    """Attention-FFN disaggregation: `2A1F` is two attention instances and one FFN instance, each a
    process of its own, started on this machine, by --torchrun or by --ray, or joining by
    themselves (--no-afd-spawn). By default the model runs in one piece."""
    microbatches: int = 2
    """Micro-batches that an attention instance has under way, 1 to 4."""
    microbatch_min_rows: int = 2
    """Fewer rows than this are not worth a micro-batch of their own."""
    afd_expert_groups: int | None = None
    """FFN sharding: 1 is tensor-parallel, the number of FFN instances expert-parallel, a divisor
    of it both. By default expert-parallel where there are enough experts."""
    afd_wire: str = "auto"
    """float32, or fp8 rows out and BF16 back; auto: float32 in exact mode, fp8 in fast mode."""
    afd_link: Literal["auto", "tcp", "gloo", "nccl", "peer"] = "auto"
    """How rows travel: tcp or gloo between CPUs; nccl between GPUs, peer between those of one
    machine. auto: tcp on a CPU, peer where all instances are started here, otherwise nccl."""
    on_ffn_loss: Literal["wait", "fail"] = "wait"
    """What running requests do when an FFN instance dies: wait for a replacement, or end (503)."""
    recovery_timeout: float = 120.0
    """Longest wait for a replacement, in seconds."""
    spare_ffn: int = 0
    """Loaded FFN instances in reserve; one takes a lost one's place at once."""
    afd_listen: str = "127.0.0.1:0"
    """HOST:PORT where instances of other machines join (`regard afd join`)."""
    afd_spawn: bool = True
    """Start the instances on this machine; otherwise wait for them to join."""
    torchrun: bool = False
    """Started by torchrun: rank 0 serves, every other rank becomes an instance."""
    ray: str | None = None
    """Start the instances on this Ray cluster: HOST:PORT of its head, or auto for the one that this
    machine is in. Each has --threads cores (1 if not given), and a GPU where there are enough."""
    afd_link_delay_us: float = 0.0
    """Every message arrives so much later: for experiments with slower wires."""
    trace: Path | None = None
    """Write a Chrome/Perfetto timeline of all stages here when the server stops."""
