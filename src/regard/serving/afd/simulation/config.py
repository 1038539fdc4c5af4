"""What is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from regard.serving.afd.config import MAX_MICROBATCHES
from regard.serving.afd.simulation.stage_time import LinkTime, SimulationError, StageTime

NOTHING = StageTime.constant(0.0)

Side = Literal["attention", "ffn"]


@dataclass(frozen=True)
class Straggler:
    """A worker whose compute is slower or faster than its peers'."""

    side: Side
    """Which kind of instance."""
    index: int
    """Its number, from 0."""
    factor: float
    """How many times longer its stages take."""


@dataclass(frozen=True, kw_only=True)
class SimulationConfig:
    """A topology, its stage times and its links."""

    num_attention: int
    """Attention instances."""
    num_ffn: int
    """FFN instances; each gets every message."""
    num_layers: int
    """Layers."""
    num_microbatches: int
    """Micro-batches of each attention instance, 1 to 4."""
    rows: int
    """Rows of a micro-batch, the same for all."""
    attention: StageTime
    """Attention of one layer on one micro-batch."""
    ffn: StageTime
    """Feed-forward of one layer on all rows computed together."""
    link_out: LinkTime = LinkTime(0.0)
    """From attention to FFN."""
    link_back: LinkTime = LinkTime(0.0)
    """From FFN to attention."""
    attention_send: StageTime = NOTHING
    """How long an attention instance is busy with sending one micro-batch. The link's delay counts
    from the beginning of that, not from its end."""
    ffn_send: StageTime = NOTHING
    """How long an FFN instance is busy with sending one message; likewise."""
    other: StageTime = NOTHING
    """Embedding, head and sampling of one step on all rows of an attention instance."""
    num_steps: int = 20
    """Steps of each attention instance."""
    lock_step: bool = False
    """An FFN instance waits for the same micro-batch of all attention instances; otherwise it takes
    what has arrived, the messages of one layer together."""
    stagger_us: float = 0.0
    """Attention instance i begins i times this late."""
    stragglers: tuple[Straggler, ...] = ()
    """Workers that are slower than the others."""
    seed: int = 0
    """Seed of all noise."""

    def __post_init__(self) -> None:
        for name in ("num_attention", "num_ffn", "num_layers", "rows", "num_steps"):
            if getattr(self, name) < 1:
                raise SimulationError(f"{name} is {getattr(self, name)}: give at least 1")
        if not 1 <= self.num_microbatches <= MAX_MICROBATCHES:
            raise SimulationError(
                f"{self.num_microbatches} micro-batches: give 1 to {MAX_MICROBATCHES}"
            )
        if self.stagger_us < 0 or self.seed < 0:
            raise SimulationError(
                f"stagger {self.stagger_us} us, seed {self.seed}: neither may be negative"
            )
        for straggler in self.stragglers:
            self._check_straggler(straggler)

    def _check_straggler(self, straggler: Straggler) -> None:
        count = self.num_attention if straggler.side == "attention" else self.num_ffn
        if not 0 <= straggler.index < count:
            raise SimulationError(
                f"straggler {straggler.side}{straggler.index}: there are {count} such instances, "
                "counted from 0"
            )
        if not 0 < straggler.factor < float("inf"):
            raise SimulationError(f"straggler factor {straggler.factor}: give one above 0")

    @property
    def stages_per_step(self) -> int:
        """Layers times micro-batches."""
        return self.num_layers * self.num_microbatches

    @property
    def topology(self) -> str:
        """Short, `2A1F`."""
        return f"{self.num_attention}A{self.num_ffn}F"

    def slow_factor(self, side: Side, index: int) -> float:
        """How many times longer this worker's stages take."""
        factor = 1.0
        for straggler in self.stragglers:
            if (straggler.side, straggler.index) == (side, index):
                factor *= straggler.factor
        return factor
