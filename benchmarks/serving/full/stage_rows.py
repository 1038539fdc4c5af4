"""What committed rows say of a stage at a size: the row itself, or between two rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.stages import stage_metric
from regard.common.rows import ResultRow


@dataclass(frozen=True)
class StageFound:
    """A stage's time at a case's size."""

    microseconds: float
    """Of one micro-batch and layer."""
    is_measured: bool
    """At this very size; otherwise it lies between two that were."""


def find_stage(config: FullConfig, stage: str, rows: Sequence[ResultRow]) -> StageFound | None:
    """Time of a stage, from the newest row of its size or by a straight line between two sizes.

    Attention passes a micro-batch in equal parts, each of which reads its weights: its line is of
    the parts' rows.

    Args:
        config: The case.
        stage: One of `STAGES`.
        rows: Of one kind of GPU.

    Returns:
        None without a row of this size or on both sides of it: nothing is said beyond them.
    """
    times = {
        batch: row.value
        for row in rows
        if (batch := _batch_of(config, stage, row.metric)) is not None
    }
    if config.batch in times:
        return StageFound(times[config.batch], True)
    size, parts = config.batch, 1
    if stage == "attention":
        size, parts = config.chunk_rows, config.num_chunks
        cases = [(replace(config, batch=batch), time) for batch, time in times.items()]
        times = {each.chunk_rows: time / each.num_chunks for each, time in cases}
    sizes = sorted(times)
    if not sizes or not sizes[0] <= size <= sizes[-1]:
        return None
    one = float(np.interp(size, sizes, [times[each] for each in sizes]))
    return StageFound(one * parts, False)


def _batch_of(config: FullConfig, stage: str, metric: str) -> int | None:
    """Sequences of a micro-batch on each attention GPU in a row of this stage; None for others."""
    before, _, after = stage_metric(config, stage).rpartition("/")
    begin, _, found = metric.rpartition("/")
    if begin != before:
        return None
    context = after.partition("x")[2]
    number, _, found_context = found.partition("x")
    if found_context != context or not number.isdecimal():
        return None
    # Rows of experts count the tokens of all attention GPUs.
    tokens = int(number)
    if stage in ("experts", "dense"):
        return tokens // config.num_attention if tokens % config.num_attention == 0 else None
    return tokens
