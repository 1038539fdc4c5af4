"""The options of `regard afd simulate`, and the configuration they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from regard.serving.afd.simulation.config import SimulationConfig, Straggler
from regard.serving.afd.simulation.fit import config_from_trace
from regard.serving.afd.simulation.presets import PRESETS
from regard.serving.afd.simulation.stage_time import LinkTime, SimulationError, StageTime
from regard.serving.afd.trace_file import read_trace

_STRAGGLER = re.compile(r"(?P<factor>[0-9.]+)@(?P<side>attention|ffn)?(?P<index>\d+)")
Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]


@dataclass(frozen=True, kw_only=True)
class SimulateOptions:
    """Predict the step time of attention-FFN disaggregation; nothing is run but a simulation.

    Stage times come from a preset of the Step-3 paper, from the trace of a real run, or from the
    options, which override the other two.

    Example: regard afd simulate --attention 2 --ffn 2 --layers 61 --microbatches 3
    --attention-us 240 --ffn-us 240 --link-us 90 --jitter 0.05 --straggler 1.2@attention1

    Example: regard afd simulate --from-trace run.json --sweep microbatches=1,2,3,4
    """

    preset: Literal["step3-2a2f-4k", "step3-3a2f-4k", "step3-4a2f-8k"] | None = None
    """Begin with a configuration of the Step-3 paper: stages of 272 us, link 91 + 182 us."""
    from_trace: Path | None = None
    """Begin with the stage times, link times and topology of a trace file."""
    attention: int | None = None
    """Attention instances (1 if nothing says otherwise)."""
    ffn: int | None = None
    """FFN instances (1)."""
    layers: int | None = None
    """Layers (61)."""
    microbatches: int | None = None
    """Micro-batches of each attention instance, 1 to 4 (3)."""
    rows: int | None = None
    """Rows of a micro-batch (1)."""
    batch: int | None = None
    """Rows of an attention instance, divided over its micro-batches; instead of --rows."""
    attention_us: float | None = None
    """Attention of one layer on one micro-batch, the median in microseconds."""
    attention_us_per_row: float = 0.0
    """What each row adds to --attention-us."""
    ffn_us: float | None = None
    """Feed-forward of one layer on all rows computed together, the median in microseconds."""
    ffn_us_per_row: float = 0.0
    """What each row adds to --ffn-us."""
    link_us: float | None = None
    """Delay of a message, each way."""
    link_back_us: float | None = None
    """Delay from FFN to attention, where it differs from --link-us."""
    add_link_us: float = 0.0
    """Added to the delay each way, without noise; to a measured one too."""
    link_gigabytes_per_second: float | None = None
    """Bandwidth of each sender, each way; unlimited if not given."""
    bytes_out: float = 0.0
    """Bytes of a row from attention to FFN; counted with --link-gigabytes-per-second."""
    bytes_back: float = 0.0
    """Bytes of a row from FFN to attention."""
    attention_send_us: float | None = None
    """How long sending a micro-batch keeps an attention instance busy."""
    ffn_send_us: float | None = None
    """How long sending a message keeps an FFN instance busy."""
    other_us: float | None = None
    """Embedding, head and sampling of one step."""
    jitter: float | None = None
    """Noise of attention, feed-forward and other: sigma of a lognormal factor with median 1."""
    link_jitter: float | None = None
    """The same for the link's delay."""
    straggler: tuple[str, ...] = ()
    """Slow workers, FACTOR@WORKER such as 1.2@attention3 or 1.5@ffn0; a bare number is an attention
    instance."""
    stagger_us: float | None = None
    """Attention instance i begins i times this late."""
    lock_step: Flag = False
    """FFN instances wait for the same micro-batch of all attention instances, as in the presets;
    otherwise they take what has arrived, as `regard serve --afd` does."""
    steps: int | None = None
    """Steps of each attention instance (20)."""
    seed: int = 0
    """Seed of all noise; the same seed gives the same prediction."""
    gpus_per_instance: int | None = None
    """Also print tokens/s of each GPU (8 with a preset)."""
    sweep: tuple[str, ...] = ()
    """Simulate each value of an option, as microbatches=1,2,3,4; several make all combinations."""
    trace: Path | None = None
    """Write the simulated timeline for Perfetto; `regard afd report` reads it too."""
    json: Flag = False
    """Print JSON instead of a table."""

    @property
    def config(self) -> SimulationConfig:
        """What to simulate.

        Raises:
            SimulationError: Options that contradict one another or cannot be.
            TraceError: The trace cannot be read or lacks a stage.
        """
        if self.preset and self.from_trace:
            raise SimulationError("--preset and --from-trace both say where to begin: give one")
        if self.rows is not None and self.batch is not None:
            raise SimulationError("--rows and --batch both say how many rows: give one")
        base = self._base()
        sizes = {
            "num_attention": self.attention,
            "num_ffn": self.ffn,
            "num_layers": self.layers,
            "num_microbatches": self.microbatches,
            "num_steps": self.steps,
            "lock_step": self.lock_step or None,
            "stagger_us": self.stagger_us,
        }
        given: dict[str, Any] = {name: value for name, value in sizes.items() if value is not None}
        microbatches = given.get("num_microbatches", base.num_microbatches)
        if self.rows is not None:
            given["rows"] = self.rows
        elif self.batch is not None:
            # Uneven micro-batches are padded, so each is as long as the longest.
            given["rows"] = -(-self.batch // max(1, microbatches))
        stragglers = tuple(straggler_of(each) for each in self.straggler)
        return replace(
            base,
            **given,
            **self._stages(base),
            **self._links(base),
            stragglers=stragglers,
            seed=self.seed,
        )

    def _base(self) -> SimulationConfig:
        if self.preset:
            return PRESETS[self.preset].config
        if self.from_trace:
            return config_from_trace(read_trace(self.from_trace))
        if self.attention_us is None or self.ffn_us is None:
            raise SimulationError(
                "how long do the stages take? give --attention-us and --ffn-us, --preset, or "
                "--from-trace"
            )
        nothing = StageTime.constant(0.0)
        return SimulationConfig(
            num_attention=1,
            num_ffn=1,
            num_layers=61,
            num_microbatches=3,
            rows=1,
            attention=nothing,
            ffn=nothing,
        )

    def _stages(self, base: SimulationConfig) -> dict[str, Any]:
        attention, ffn, other = base.attention, base.ffn, base.other
        if self.attention_us is not None:
            attention = StageTime.linear(self.attention_us, self.attention_us_per_row)
        if self.ffn_us is not None:
            ffn = StageTime.linear(self.ffn_us, self.ffn_us_per_row)
        if self.other_us is not None:
            other = StageTime.constant(self.other_us)
        stages = {"attention": attention, "ffn": ffn, "other": other}
        if self.jitter is not None:
            jitter = self.jitter
            stages = {name: replace(each, sigma=jitter, ratios=()) for name, each in stages.items()}
        if self.attention_send_us is not None:
            stages["attention_send"] = StageTime.constant(self.attention_send_us)
        if self.ffn_send_us is not None:
            stages["ffn_send"] = StageTime.constant(self.ffn_send_us)
        return stages

    def _links(self, base: SimulationConfig) -> dict[str, Any]:
        back_us = self.link_us if self.link_back_us is None else self.link_back_us
        return {
            "link_out": self._link(base.link_out, self.link_us, self.bytes_out),
            "link_back": self._link(base.link_back, back_us, self.bytes_back),
        }

    def _link(self, link: LinkTime, delay_us: float | None, bytes_per_row: float) -> LinkTime:
        if delay_us is not None:
            link = LinkTime(delay_us)
        if self.link_gigabytes_per_second is not None:
            if self.link_gigabytes_per_second <= 0 or bytes_per_row <= 0:
                raise SimulationError(
                    "a bandwidth above 0 needs --bytes-out and --bytes-back above 0, the bytes of "
                    f"a row; got {self.link_gigabytes_per_second:g} GB/s and {bytes_per_row:g}"
                )
            link = replace(link, us_per_row=bytes_per_row / self.link_gigabytes_per_second / 1e3)
        if self.link_jitter is not None:
            link = replace(link, sigma=self.link_jitter, ratios=())
        return replace(link, constant_us=self.add_link_us)

    @property
    def num_gpus_per_instance(self) -> int | None:
        """GPUs of an instance, where they are known."""
        if self.gpus_per_instance is not None:
            return self.gpus_per_instance
        return PRESETS[self.preset].gpus_per_instance if self.preset else None


def straggler_of(text: str) -> Straggler:
    """Reads FACTOR@WORKER.

    Raises:
        SimulationError: It is not of that form.
    """
    match = _STRAGGLER.fullmatch(text)
    try:
        if match is not None:
            side = "ffn" if match["side"] == "ffn" else "attention"
            return Straggler(side, int(match["index"]), float(match["factor"]))  # type: ignore[arg-type]
    except ValueError:
        pass
    raise SimulationError(
        f"straggler {text!r}: write FACTOR@WORKER, such as 1.2@attention3 or 1.5@ffn0"
    )
