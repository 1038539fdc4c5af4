"""What is run: the model, how many GPUs each side has, and what they are given to do."""

import math
from dataclasses import dataclass, replace

from regard.serving.models.presets import PRESETS
from regard.serving.models.step3_config import Step3Config

MODELS = ("step3", "step3-mini")
ROWS_AT_A_TIME = 192
"""What attention's products take at most: a larger micro-batch passes in parts."""
ROW_MULTIPLE = 4
"""Scales of so many rows fill the 16 bytes that the copy engine wants them to begin at."""
MAX_MICROBATCHES = 4
ROOM_STEP = 64


class SettingError(ValueError):
    """A setting that cannot be; the message says what to give."""


def model_config(name: str) -> Step3Config:
    """Sizes of a preset, `step3` or `step3-mini`."""
    config = PRESETS[name].config
    assert isinstance(config, Step3Config)
    return config


@dataclass(frozen=True, kw_only=True)
class FullConfig:
    """One case."""

    model: Step3Config
    """Sizes."""
    num_attention: int
    """GPUs that hold caches, attention's weights, embedding and head."""
    num_ffn: int
    """GPUs that hold the feed-forwards, each a share of every layer."""
    batch: int
    """Sequences of a micro-batch on each attention GPU."""
    num_microbatches: int = 3
    """They take turns."""
    context: int = 4096
    """Mean tokens of a sequence; lengths are uniform from 7/8 to 9/8 of it."""
    layers: tuple[int, ...] | None = None
    """The model's layers that are run, by number; None for all."""
    rows_at_a_time: int = ROWS_AT_A_TIME
    """Rows of a part of a micro-batch, at most."""
    room: float = 2.0
    """Rows that an expert has room for, in means."""
    exact: bool = False
    """Float64 throughout, on the wire too: the sum's order is all that a topology changes."""
    seed: int = 0
    """Of weights, caches, lengths and first tokens."""

    def __post_init__(self) -> None:
        """Refuses what cannot be.

        Raises:
            SettingError: The message names the setting.
        """
        for name in ("num_attention", "num_ffn", "batch", "context", "rows_at_a_time"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is {getattr(self, name)}: give at least 1")
        if not 1 <= self.num_microbatches <= MAX_MICROBATCHES:
            raise SettingError(
                f"{self.num_microbatches} micro-batches: give 1 to {MAX_MICROBATCHES}"
            )
        if self.num_ffn > self.model.num_experts:
            raise SettingError(
                f"{self.num_ffn} FFN GPUs for {self.model.num_experts} experts: none may be without"
            )
        unit = ROW_MULTIPLE * self.num_chunks
        if self.batch % unit:
            raise SettingError(
                f"{self.batch} sequences a micro-batch: give a multiple of {unit}, such as "
                f"{max(unit, self.batch // unit * unit)}"
            )
        wrong = [each for each in self.numbers if not 0 <= each < self.model.num_layers]
        if wrong or not self.numbers:
            raise SettingError(f"layers {self.numbers}: the model has 0 to {self.last_layer}")

    @property
    def last_layer(self) -> int:
        """Number of the model's last layer."""
        return self.model.num_layers - 1

    @property
    def numbers(self) -> tuple[int, ...]:
        """The model's numbers of the layers that are run."""
        return tuple(range(self.model.num_layers)) if self.layers is None else self.layers

    @property
    def num_layers(self) -> int:
        """Layers that are run."""
        return len(self.numbers)

    def is_dense(self, position: int) -> bool:
        """Whether the layer at this position has no experts."""
        return self.numbers[position] not in self.model.moe_layers

    @property
    def topology(self) -> str:
        """Short, `4A4F`."""
        return f"{self.num_attention}A{self.num_ffn}F"

    @property
    def num_gpus(self) -> int:
        """Of both sides."""
        return self.num_attention + self.num_ffn

    @property
    def num_chunks(self) -> int:
        """Parts in which a micro-batch passes through attention."""
        return math.ceil(self.batch / self.rows_at_a_time)

    @property
    def chunk_rows(self) -> int:
        """Rows of a part."""
        return self.batch // self.num_chunks

    @property
    def num_tokens(self) -> int:
        """Rows of a micro-batch on all attention GPUs: what each FFN GPU works on at a time."""
        return self.num_attention * self.batch

    @property
    def tokens_a_step(self) -> int:
        """Tokens that a step emits."""
        return self.num_tokens * self.num_microbatches

    @property
    def mean_rows(self) -> float:
        """Rows of an expert, on average."""
        return self.num_tokens * self.model.num_experts_per_token / self.model.num_experts

    @property
    def capacity(self) -> int:
        """Rows that an expert has room for; a run that needed more is void."""
        wanted = math.ceil(self.room * self.mean_rows / ROOM_STEP) * ROOM_STEP + ROOM_STEP
        return min(wanted, math.ceil(self.num_tokens / ROOM_STEP) * ROOM_STEP)

    @property
    def num_sequences(self) -> int:
        """On each attention GPU."""
        return self.batch * self.num_microbatches

    def shortened(self, count: int) -> "FullConfig":
        """The same with the model's first layers only."""
        return replace(self, layers=tuple(range(min(count, self.model.num_layers))))
