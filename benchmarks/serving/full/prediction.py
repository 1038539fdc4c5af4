"""What planner and simulator say of a case before it is run, from committed rows alone.

A figure whose rows are not there is not made up: the prediction names them instead.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.serving.full.config import FullConfig
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

    def note(self, measured_ms: float) -> str:
        """Side by side with what was measured."""
        said = []
        for name, value in (("simulator", self.simulator_ms), ("planner", self.planner_ms)):
            if value is None:
                said.append(f"{name} none, rows were missing")
            else:
                said.append(f"{name} {value:.2f} ms ({value / measured_ms - 1:+.1%})")
        return f"predicted on {self.date}: {', '.join(said)}; measured {measured_ms:.2f} ms"


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
    simulator, missing = _simulate(config, kind, rows)
    planner, more = _plan(config, kind, rows)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Prediction(
        case=case_name(config), kind=kind, simulator_ms=simulator, planner_ms=planner,
        missing=[*missing, *more], date=now,
    )  # fmt: skip


def _simulate(
    config: FullConfig, kind: str, rows: Sequence[ResultRow]
) -> tuple[float | None, list[str]]:
    """From the rows of stages on GPUs of this kind; the newest one counts."""
    times, missing = {}, []
    for stage in STAGES:
        metric = stage_metric(config, stage)
        found = [each for each in rows if each.metric == metric and kind_of(each.device) == kind]
        if found:
            times[stage] = found[-1].value
        elif stage != "dense" or any(map(config.is_dense, range(config.num_layers))):
            missing.append(f"{metric} on {kind} (benchmarks.serving.afd_full --stages --write)")
    if missing:
        return None, missing
    factors = [
        times["dense"] / times["experts"] if config.is_dense(position) else 1.0
        for position in range(config.num_layers)
    ]
    simulated = predict(
        SimulationConfig(
            num_attention=config.num_attention,
            num_ffn=config.num_ffn,
            num_layers=config.num_layers,
            num_microbatches=config.num_microbatches,
            rows=config.batch,
            attention=StageTime.constant(times["attention"]),
            ffn=StageTime(((0, times["experts"]),), layer_factors=tuple(factors)),
            link_out=LinkTime(times["out"]),
            link_back=LinkTime(times["back"]),
            other=StageTime.constant(times["head"] * config.num_microbatches),
            num_steps=SIMULATED_STEPS,
            lock_step=True,
        )
    )
    return simulated.step_ms, []


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
    attention = _nearest(rows, "mfa_decode_us/fp8/", config.context)
    projections = _nearest(rows, "projections_fused_us/", config.chunk_rows)
    experts = _nearest(rows, "ffn_share_us/", config.num_tokens)
    wanted = (
        (attention, f"mfa_decode_us/fp8/*x{config.context}"),
        (projections, "projections_fused_us/*"),
        (experts, "ffn_share_us/*"),
    )
    missing = [
        f"{name} (benchmarks.serving.{MADE_BY[name.split('/')[0]]} --write)"
        for found, name in wanted
        if found is None
    ]
    if attention is None or projections is None or experts is None:
        return None, missing
    batch, context = map(int, attention.metric.split("/")[-1].split("x"))
    read = batch * context * 2 * config.model.head_dim
    point = AttentionPoint(precision=Precision.FP8, context=context, share=_share(attention, read))
    base = measured_efficiencies()
    made = replace(
        base,
        name="rows",
        attention=(point,),
        projection_memory=_share(projections, PROJECTION_BYTES),
        expert_memory=_share(experts, SHARE_BYTES),
        network=base.link,
    )
    return made, []


def _nearest(rows: Sequence[ResultRow], prefix: str, wanted: int) -> ResultRow | None:
    """The newest of the rows whose last number is nearest, of a kind of GPU that is known."""

    def distance(row: ResultRow) -> float:
        last = row.metric.removeprefix(prefix).split("x")[-1]
        return abs(math.log(int(last) / wanted)) if last.isdecimal() else math.inf

    known = [row for row in rows if row.metric.startswith(prefix) and kind_of(row.device)]
    known = [row for row in known if distance(row) < math.inf]
    return min(reversed(known), key=distance, default=None)


def _share(row: ResultRow, read: float) -> float:
    kind = kind_of(row.device)
    assert kind is not None
    return read / (row.value * 1e-6) / shipped_accelerators()[kind].memory_bytes_per_second


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Replaces the file."""
    path.write_text(json.dumps([asdict(each) for each in predictions], indent=1) + "\n")


def read_predictions(path: Path) -> dict[tuple[str, str], Prediction]:
    """By case and kind of GPU."""
    made = [Prediction(**each) for each in json.loads(path.read_text())]
    return {(each.case, each.kind): each for each in made}
