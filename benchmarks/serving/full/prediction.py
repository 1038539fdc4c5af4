"""What planner and simulator say of a case before it is run, from committed rows alone.

A figure whose rows are not there is not made up: the prediction names them instead.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.serving.full.config import FullConfig
from benchmarks.serving.full.stage_rows import find_stage
from benchmarks.serving.full.stages import STAGES, stage_metric
from regard.common.rows import ResultRow
from regard.serving.afd.simulation.config import SimulationConfig
from regard.serving.afd.simulation.prediction import predict
from regard.serving.afd.simulation.stage_time import LinkTime, StageTime
from regard.serving.cost.accelerators import shipped_accelerators
from regard.serving.cost.architectures import preset
from regard.serving.cost.deployment import Deployment, Sharding
from regard.serving.cost.efficiency import AttentionPoint, Efficiencies, measured_efficiencies
from regard.serving.cost.precision import Precision
from regard.serving.cost.step import step

KINDS = ("h200", "h100")
PROJECTION_BYTES = 1.69345024e8
"""Of one layer's attention in FP8."""
SHARE_BYTES = 3 * 7168 * (3 * 5120 + 384)
"""Of the FFN share that `ffn_share` measures, in FP8."""
CACHED_BYTES = 2 * 256
"""Of a token in one layer's FP8 cache."""
SIMULATED_STEPS = 5
MADE_BY = {
    "mfa_decode_us": "mfa_decode",
    "projections_fused_us": "projections",
    "ffn_share_us": "ffn_share",
}


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Of one case; milliseconds a step."""

    case: str
    """As `case_name` writes it."""
    kind: str
    """GPUs: `h200` or `h100`."""
    simulator_ms: float | None
    """From stages measured alone; None where a row is missing."""
    planner_ms: float | None
    """From what kernels reached elsewhere; None where a row is missing."""
    missing: list[str]
    """Rows that are not committed, and what writes them."""
    date: str
    """When it was written down."""
    between: list[str] = field(default_factory=list)
    """Stages that were not measured at this size, only below and above it."""

    def note(self, measured_ms: float) -> str:
        """Side by side with what was measured."""
        said = []
        for name, value in (("simulator", self.simulator_ms), ("planner", self.planner_ms)):
            if value is None:
                said.append(f"{name} none, rows were missing")
            else:
                said.append(f"{name} {value:.2f} ms ({value / measured_ms - 1:+.1%})")
        between = f" ({', '.join(self.between)} between measured sizes)" if self.between else ""
        said_all = f"{', '.join(said)}{between}"
        return f"predicted on {self.date}: {said_all}; measured {measured_ms:.2f} ms"


def case_name(config: FullConfig) -> str:
    """As in the names of rows."""
    name = f"{config.topology}/{config.batch}x{config.num_microbatches}/{config.context}"
    if config.num_layers < config.model.num_layers:
        name += f"/{config.num_layers}layers"
    return name


def kind_of(device: str) -> str | None:
    """`h200` or `h100`, from a row's device or a GPU's name."""
    return next((kind for kind in KINDS if kind.upper() in device), None)


def predict_case(config: FullConfig, kind: str, rows: Sequence[ResultRow]) -> Prediction:
    """What is known of a case on GPUs of a kind."""
    simulator, between, missing = _simulate(config, kind, rows)
    planner, more = _plan(config, kind, rows)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Prediction(
        case=case_name(config), kind=kind, simulator_ms=simulator, planner_ms=planner,
        missing=[*missing, *more], date=now, between=between,
    )  # fmt: skip


def _simulate(
    config: FullConfig, kind: str, rows: Sequence[ResultRow]
) -> tuple[float | None, list[str], list[str]]:
    """From the rows of stages on GPUs of this kind: milliseconds, stages between sizes, missing."""
    times, between, missing = {}, [], []
    same = [each for each in rows if kind_of(each.device) == kind]
    for stage in STAGES:
        found = find_stage(config, stage, same)
        if found is not None:
            times[stage] = found.microseconds
            between += [] if found.is_measured else [stage]
        elif stage != "dense" or any(map(config.is_dense, range(config.num_layers))):
            metric = stage_metric(config, stage)
            missing.append(f"{metric} on {kind} (benchmarks.serving.afd_full --stages --write)")
    if missing:
        return None, between, missing
    return _simulated_step(config, times) / 1e3, between, []


def _simulated_step(config: FullConfig, times: dict[str, float]) -> float:
    """Microseconds. Heads are one layer more, without feed-forwards: each begins when what its
    micro-batch waits for is there, not when everything is."""
    dense = times.get("dense", 0.0) / times["experts"]
    kinds = [dense if config.is_dense(position) else 1.0 for position in range(config.num_layers)]
    attention = StageTime(
        ((0, times["attention"]),),
        layer_factors=(*[1.0] * config.num_layers, times["head"] / times["attention"]),
    )
    half = LinkTime(times["trip"] / 2)
    simulated = predict(
        SimulationConfig(
            num_attention=config.num_attention,
            num_ffn=config.num_ffn,
            num_layers=config.num_layers + 1,
            num_microbatches=config.num_microbatches,
            rows=config.batch,
            attention=attention,
            ffn=StageTime(((0, times["experts"]),), layer_factors=(*kinds, 0.0)),
            link_out=half,
            link_back=half,
            num_steps=SIMULATED_STEPS,
            lock_step=True,
        )
    )
    # Nothing travels after the head.
    return simulated.step_ms * 1e3 - times["trip"]


def _plan(
    config: FullConfig, kind: str, rows: Sequence[ResultRow]
) -> tuple[float | None, list[str]]:
    """From kernels' rows, as shares of nominal speed, which hold for other accelerators too."""
    if config.num_layers < config.model.num_layers:
        return None, ["a planner for part of a model (it knows whole ones)"]
    efficiency, missing = efficiencies(config, rows)
    if efficiency is None:
        return None, missing
    gpu = shipped_accelerators()[kind]
    # Each GPU is a server of its own, whose network is NVLink: a message goes to every FFN GPU.
    alone = replace(gpu, gpus_per_server=1, network_bytes_per_second=gpu.link_bytes_per_second)
    deployment = Deployment(
        architecture=preset("step3").architecture,
        attention_on=alone,
        ffn_on=alone,
        attention_servers=config.num_attention,
        ffn_servers=config.num_ffn,
        sequences=config.batch,
        microbatches=config.num_microbatches,
        context=config.context,
        sharding=Sharding.HYBRID,
    )
    return step(deployment, efficiency).seconds * 1e3, []


def efficiencies(
    config: FullConfig, rows: Sequence[ResultRow]
) -> tuple[Efficiencies | None, list[str]]:
    """Shares of nominal speed from rows; what no row says (links, arithmetic) is as shipped."""
    prefixes = {
        "mfa_decode_us": ("mfa_decode_us/fp8/", config.context),
        "projections_fused_us": ("projections_fused_us/", config.chunk_rows),
        "ffn_share_us": ("ffn_share_us/", config.num_tokens),
    }
    shares, missing = {}, []
    for name, (prefix, wanted) in prefixes.items():
        share = share_at(rows, prefix, wanted)
        if share is None:
            missing.append(f"{prefix}* (benchmarks.serving.{MADE_BY[name]} --write)")
        else:
            shares[name] = share
    if missing:
        return None, missing
    base = measured_efficiencies()
    point = AttentionPoint(
        precision=Precision.FP8, context=config.context, share=shares["mfa_decode_us"]
    )
    made = replace(
        base,
        name="rows",
        attention=(point,),
        # Each part of a micro-batch reads the weights again.
        projection_memory=shares["projections_fused_us"] / config.num_chunks,
        expert_memory=shares["ffn_share_us"],
        network=base.link,
    )
    return made, []


def share_at(rows: Sequence[ResultRow], prefix: str, wanted: int) -> float | None:
    """Share of nominal speed at a size: between two sizes with rows, by the size's logarithm.

    Args:
        rows: The newest of each size counts, of a kind of GPU that is known.
        prefix: Of the metric; a row's size is its last number.
        wanted: The size; beyond the outermost rows, these hold.
    """
    found: dict[int, float] = {}
    for row in rows:
        size = row.metric.removeprefix(prefix).split("x")[-1]
        if row.metric.startswith(prefix) and size.isdecimal() and kind_of(row.device):
            found[int(size)] = _share(row)
    if not found:
        return None
    sizes = sorted(found)
    return float(np.interp(np.log(wanted), np.log(sizes), [found[size] for size in sizes]))


def _share(row: ResultRow) -> float:
    """What the kernel of a row reads, over its time and the nominal speed of its GPU's memory."""
    name, kind = row.metric.split("/")[0], kind_of(row.device)
    assert kind is not None
    if name == "mfa_decode_us":
        batch, context = map(int, row.metric.split("/")[-1].split("x"))
        read = float(batch * context * CACHED_BYTES)
    else:
        read = PROJECTION_BYTES if name == "projections_fused_us" else float(SHARE_BYTES)
    return read / (row.value * 1e-6) / shipped_accelerators()[kind].memory_bytes_per_second


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Replaces the file."""
    path.write_text(json.dumps([asdict(each) for each in predictions], indent=1) + "\n")


def read_predictions(path: Path) -> dict[tuple[str, str], Prediction]:
    """By case and kind of GPU."""
    made = [Prediction(**each) for each in json.loads(path.read_text())]
    return {(each.case, each.kind): each for each in made}
