"""What the points game adds to Inspect: CPU time of our task against a minimal one."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    get_model,
    modelapi,
)
from inspect_ai.scorer import match
from inspect_ai.solver import generate

from regard.common.rows import Measurement, write_rows
from regard.tradeoffs.design import FULL, design_cells
from regard.tradeoffs.plan import new_plan
from regard.tradeoffs.respondents.provider import PROVIDER
from regard.tradeoffs.samples import samples_of
from regard.tradeoffs.task import build_task

EPOCHS = 5
PLAYER = "trade-off"


@modelapi(name="null")
class NullAPI(ModelAPI):
    """Answers at once and always alike."""

    async def generate(
        self, input: list[ChatMessage], tools: Any, tool_choice: Any, config: GenerateConfig
    ) -> ModelOutput:
        output = ModelOutput.from_content(model=self.model_name, content="K")
        output.usage = ModelUsage(input_tokens=60, output_tokens=1, total_tokens=61)
        return output

    def max_connections(self) -> int:
        return 10


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000, help="a run (%(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (%(default)s)")
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="the commit measured, where there is no git history")
    options = parser.parse_args(argv)
    rows = measurements(options.samples, measure(options.samples, repeats=options.repeats))
    for row in rows:
        print(f"{row.metric} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}] {row.notes}")
    if options.write:
        command = (
            "python -m benchmarks.tradeoffs.inspect_overhead "
            f"--samples {options.samples} --repeats {options.repeats} --write"
        )
        write_rows("tradeoffs", rows, command=command, seed=0, commit=options.commit)
    return 0


def measure(samples: int, *, repeats: int) -> dict[str, list[float]]:
    """CPU seconds of each case, run by run, the cases taking turns."""
    plan = new_plan("factorial", runs=EPOCHS, commit="none")
    cells = design_cells(FULL)[: samples // EPOCHS]

    def ours() -> Task:
        return build_task(plan, cells, epochs=EPOCHS, commit="none")

    def minimal() -> Task:
        data = MemoryDataset(samples_of(cells))
        return Task(dataset=data, solver=generate(), scorer=match(), epochs=EPOCHS)

    cases: dict[str, tuple[Callable[[], Task], str]] = {
        "minimal": (minimal, "null/model"),
        "null": (ours, "null/model"),
        "respondent": (ours, f"{PROVIDER}/{PLAYER}"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    # The first run imports what later ones find.
    _seconds(minimal(), get_model("null/model"))
    for _ in range(repeats):
        for name, (task, model) in cases.items():
            seconds[name].append(_seconds(task(), get_model(model, memoize=False)))
    return seconds


def _seconds(task: Task, model: Model) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        log = inspect_eval(
            task,
            model=model,
            log_dir=folder,
            display="none",
            ctl_server=False,
            log_realtime=False,
            score_display=False,
        )[0]
        assert log.status == "success"
        return time.process_time() - started


def measurements(samples: int, seconds: Mapping[str, Sequence[float]]) -> list[Measurement]:
    """The ratios to the minimal task, and the time of ours."""
    note = (
        f"{samples} samples; median CPU time of the process over runs that took turns with a "
        "minimal task (generate, match) on a provider that does nothing; interval: the smallest "
        "and the largest"
    )
    figures = {
        "tradeoffs.inspect_respondent_over_null": ("1", _ratios(seconds, "respondent")),
        "tradeoffs.inspect_task_over_null": ("1", _ratios(seconds, "null")),
        "tradeoffs.inspect_seconds": ("s", list(seconds["respondent"])),
    }
    return [
        Measurement(
            metric=metric,
            value=statistics.median(values),
            unit=unit,
            n=len(values),
            low=min(values),
            high=max(values),
            notes=note,
        )
        for metric, (unit, values) in figures.items()
    ]


def _ratios(seconds: Mapping[str, Sequence[float]], name: str) -> list[float]:
    return [own / base for own, base in zip(seconds[name], seconds["minimal"], strict=True)]


if __name__ == "__main__":
    sys.exit(main())
