"""Runs as the log reader would give them, without Inspect."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.read_log import RunLog
from regard.tradeoffs.report.registration import Registration

REGISTERED = Registration(
    exploratory=False, reasons=(), committed_at="2026-01-01T00:00:00+00:00", num_plans=2, num_logs=3
)


def run_of(cells: pd.DataFrame, **changes: object) -> RunLog:
    """A run of these cells."""
    run = RunLog(
        cells=cells,
        task="factorial",
        model="respondent/someone",
        plan="p" * 64,
        plan_design="d" * 64,
        plan_commit="c" * 40,
        plan_written_at="2026-01-02T00:00:00+00:00",
        criteria=Criteria().digest(),
        prompts="t" * 64,
        commit="c" * 40,
        first_sample_at="2026-01-03T00:00:00+00:00",
        paths=(Path("one.eval"),),
        num_truncated=4,
        num_errors=0,
    )
    return replace(run, **changes)
