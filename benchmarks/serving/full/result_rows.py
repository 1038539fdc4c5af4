"""The rows of a timed case."""

import numpy as np

from benchmarks.serving.full.prediction import Prediction, case_name, kind_of
from benchmarks.serving.full.timing import Timing
from regard.common.rows import Measurement, package_versions

CAVEAT = (
    "random block-FP8 weights, natural routes, lengths in 7/8 to 9/8 of the context, no prefill"
)


def measurements(
    timing: Timing, checked: str, prediction: Prediction | None, device: str
) -> list[Measurement]:
    """Rate, median time a step, and its 99th percentile.

    Args:
        timing: The case.
        checked: What the checks said.
        prediction: Written down before; None where there was none.
        device: Name of the GPUs.
    """
    name = case_name(timing.config) + suffix(device)
    told = "not predicted" if prediction is None else prediction.note(timing.tpot * 1e3)
    notes = f"{timing.describe()}; {told}; {checked}; {CAVEAT}"
    times = np.array(timing.seconds) * 1e3
    low, high = (float(each) for each in np.percentile(times, (5, 95)))
    tokens = timing.config.tokens_a_step / timing.config.num_gpus
    common = {"n": len(times), "extra_versions": package_versions(("triton",))}
    return [
        Measurement(
            metric=f"serving.afd_full_tokens_per_s_per_gpu/{name}",
            value=timing.rate, unit="tokens/s/GPU", low=tokens / high * 1e3,
            high=tokens / low * 1e3, notes=f"5th to 95th percentile of steps; {notes}", **common,
        ),
        Measurement(
            metric=f"serving.afd_full_tpot_ms/{name}",
            value=timing.tpot * 1e3, unit="ms", low=low, high=high,
            notes=f"median, 5th to 95th percentile of steps; {notes}", **common,
        ),
        Measurement(
            metric=f"serving.afd_full_tpot_p99_ms/{name}",
            value=timing.tpot_p99 * 1e3, unit="ms", notes="99th percentile of steps", **common,
        ),
    ]  # fmt: skip


def suffix(device: str) -> str:
    """What sets GPUs other than H200s apart."""
    kind = kind_of(device)
    return "" if kind == "h200" else f"/{kind or device.split()[-1].lower()}"
