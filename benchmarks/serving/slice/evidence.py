"""What a run leaves beside its figure: stamps of a step, a profiled step, and what they mean."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.serving.slice import gap, timeline
from benchmarks.serving.slice.config import (
    MODEL,
    NUM_FFN,
    NUM_OWNED,
    SHARED_WIDTH,
    SliceConfig,
)
from benchmarks.serving.slice.gap import Side, Split
from benchmarks.serving.slice.timeline import Stamps

if TYPE_CHECKING:
    from benchmarks.serving.slice.step import SliceStep

HIDDEN = MODEL.hidden_size
WIDE = MODEL.num_heads * MODEL.head_dim
ATTENTION_WEIGHT_BYTES = (
    (MODEL.query_low_rank + 2 * MODEL.head_dim) * HIDDEN
    + WIDE * MODEL.query_low_rank
    + HIDDEN * WIDE
)
FFN_WEIGHT_BYTES = 3 * HIDDEN * (NUM_OWNED * MODEL.moe_intermediate_size + SHARED_WIDTH)
DRAWN_LAYERS = 4
"""In the picture, from the middle of the model."""


@dataclass(frozen=True)
class Evidence:
    """Of one run."""

    out: Stamps
    """Of the last timed step, transfers from the attention GPU."""
    back: Stamps
    """The same from the FFN GPU."""
    offset: float
    """The FFN GPU's clock minus the attention GPU's, nanoseconds."""
    offset_error: float
    """How far that may be off."""
    copy_speeds: Sequence[float]
    """Bytes a second of a copy on the attention GPU, and on the FFN GPU."""
    counts: Sequence[int]
    """Tokens of the busiest GPU's experts in the last layer."""
    splits: Sequence[Split]
    """Of a profiled step after the timed run; empty where nothing could be profiled."""


def sides(config: SliceConfig) -> tuple[Side, Side]:
    """The two GPUs and the bytes that a stage must read."""
    kv_bytes = config.batch * config.context * 2 * MODEL.head_dim
    return (
        Side("attention", 0, "_latent_append_kernel", 2, ATTENTION_WEIGHT_BYTES, kv_bytes),
        # A stage begins once the one before has summed.
        Side("FFN", 1, "_sum_kernel", -1, FFN_WEIGHT_BYTES, 0),
    )


def measured_stages(config: SliceConfig, found: int) -> tuple[int, int]:
    """First and last stage of the middle of the last of the profiled steps.

    Args:
        config: Of the run.
        found: Stages in the trace.
    """
    count, layers = config.num_microbatches, config.num_layers
    # Dense layers, the first ones and the last, are not among them.
    margin = min(6, layers // 4) * count
    return found - layers * count + margin, found - 1 - margin


def profile(step: "SliceStep") -> list[gap.Kernel]:
    """The kernels of two replayed steps; none where the profiler cannot see them."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as record

    with record(activities=[ProfilerActivity.CUDA]) as profiler:
        step.run()
        step.run()
        step.synchronize()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    return gap.kernels_of(events)


def split_stages(
    kernels: Sequence[gap.Kernel], config: SliceConfig, copy_speeds: Sequence[float]
) -> list[Split]:
    """The gap to the roofline on both sides."""
    found = []
    for side, speed in zip(sides(config), copy_speeds, strict=True):
        starts = gap.stage_starts(kernels, side)
        first, last = measured_stages(config, len(starts))
        found.append(gap.split(kernels, side, first, last, speed))
    return found


def collect(step: "SliceStep", copy_speeds: Sequence[float], *, profiled: bool) -> Evidence:
    """Reads the stamps of the step that ran last, then profiles two more where that is asked."""
    from benchmarks.serving.slice.wire import stamp_samples

    out = step.out_wire.trace.cpu().numpy().copy()
    back = step.back_wire.trace.cpu().numpy().copy()
    clocks = [
        timeline.clock_offset(stamp_samples(device))
        for device in (step.attention.device, step.ffn.device)
    ]
    splits: list[Split] = []
    try:
        splits = split_stages(profile(step), step.config, copy_speeds) if profiled else []
    except (ValueError, RuntimeError) as error:
        print(f"  no split of the stages: {error}")
    return Evidence(
        out,
        back,
        clocks[1][0] - clocks[0][0],
        clocks[0][1] + clocks[1][1],
        copy_speeds,
        step.ffn.inboxes[0].dispatch.counts.tolist(),
        splits,
    )


def copy_speeds_of(devices: Sequence[torch.device]) -> list[float]:
    """Bytes a second of a large copy on each device."""
    from benchmarks.serving.device_timing import copy_bytes_per_second

    speeds = []
    for device in devices:
        with torch.cuda.device(device):
            speeds.append(copy_bytes_per_second(device))
            torch.cuda.empty_cache()
    return speeds


def describe(config: SliceConfig, evidence: Evidence) -> str:
    """Lanes, then the split, then how busy the busiest GPU is."""
    found = timeline.spans(evidence.out, evidence.back, config.num_microbatches, evidence.offset)
    lanes = timeline.busy(found, _middle(config, config.num_layers // 2))
    mean = config.num_tokens * MODEL.num_experts_per_token / NUM_FFN
    periods = np.diff(evidence.out[:, 0]) / 1e3
    return "\n".join(
        [
            f"  a message every {np.median(periods):.1f} us; clocks agree within "
            f"{evidence.offset_error / 1e3:.1f} us",
            timeline.describe(lanes),
            f"  the busiest GPU's experts have {sum(evidence.counts)} tokens, a mean one's "
            f"{mean:.0f}",
            *([gap.describe(evidence.splits)] if evidence.splits else []),
        ]
    )


def _middle(config: SliceConfig, count: int) -> range:
    begin = (config.num_layers - count) // 2
    return range(begin, begin + count)


def write(folder: Path, name: str, config: SliceConfig, evidence: Evidence, run: Any) -> None:
    """Writes `<name>.json` with everything, and `<name>.svg` with a few layers' stages.

    Args:
        folder: Made if it is not there.
        name: Of the run.
        config: Its configuration.
        evidence: What it left.
        run: More about it, as JSON knows it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "config": asdict(config),
        "run": run,
        "stamps_ns": {
            "columns": ["ready", "begin", "seen"],
            "attention_to_ffn": evidence.out.tolist(),
            "ffn_to_attention": evidence.back.tolist(),
            "ffn_clock_minus_attention_clock": evidence.offset,
            "at_most_off_by": evidence.offset_error,
        },
        "copy_bytes_per_second": list(evidence.copy_speeds),
        "busiest_counts": list(evidence.counts),
        "profiled": [asdict(each) for each in evidence.splits],
    }
    (folder / f"{name}.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    found = timeline.spans(evidence.out, evidence.back, config.num_microbatches, evidence.offset)
    layers = _middle(config, min(DRAWN_LAYERS, config.num_layers - 1))
    timeline.draw(found, layers, folder / f"{name}.svg")
