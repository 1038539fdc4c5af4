"""The tables of a report: side blocks, biases, losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from regard.common.statistics import wilson_interval
from regard.tradeoffs.analysis.answers import Answers
from regard.tradeoffs.analysis.bound import threshold_bound
from regard.tradeoffs.analysis.dose import fit_dose
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.report.target_section import interval_text
from regard.tradeoffs.states import TARGETS

MAIN = ("numeric", "model")


@dataclass(frozen=True)
class PageTable:
    """Headings and rows of text."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def side_blocks(
    layout: Layout, answers: Answers, keys: pd.DataFrame, *, confidence: float
) -> PageTable:
    """Slope and threshold wherever a state stands on a scale, for an addressee, on an option."""
    names = ["state", "scale", "addressee", "clause"]
    rows = []
    for values in keys[names].drop_duplicates().itertuples(index=False):
        state, scale, addressee, clause = values
        block = layout.block(state, scale=scale, addressee=addressee, clause=clause)
        if len(block.levels) < 2:
            continue
        try:
            dose = fit_dose(block, answers, confidence=confidence)
        except TradeoffsError:
            continue
        if answers.trials[block.rows].sum() > 0:
            size = str(int(answers.trials[block.rows].sum()))
            found = (interval_text(dose.slope), str(threshold_bound(dose)))
            rows.append((state, scale, addressee, clause, size, *found))
    rows.sort(key=lambda row: (row[0] not in TARGETS, row[1:3] != MAIN))
    return PageTable((*names, "choices", "slope", "threshold"), tuple(rows))


def biases(layout: Layout, answers: Answers) -> PageTable:
    """Choices of the most points without a state, by place and by labels."""
    rows = []
    for order, labels, places in layout.baseline_groups:
        asked, chosen = answers.asked[places].sum(), answers.successes[places].sum()
        if asked:
            interval = wilson_interval(round(chosen), max(1, round(asked)))
            rows.append(
                (order, labels, f"{chosen / asked:.3f} [{interval.low:.3f}, {interval.high:.3f}]")
            )
    return PageTable(("order", "labels", "P(most points), no state"), tuple(sorted(rows)))


def losses(layout: Layout, answers: Answers, keys: pd.DataFrame) -> PageTable:
    """Declined and unreadable answers by state, scale and level; states without any together."""
    rows = []
    clean = []
    level = keys["intensity"].to_numpy(dtype=np.float64)
    scales = keys["scale"].to_numpy(dtype=object)
    for state, places in layout.states.items():
        lost = answers.refused[places].sum() + answers.unparsed[places].sum()
        if not lost:
            clean.append(state)
            continue
        # Step 5 of a verbal scale is not level 5 of the numeric one.
        for scale, value in sorted(set(zip(scales[places], level[places], strict=True))):
            at = places[(scales[places] == scale) & (level[places] == value)]
            asked = answers.asked[at].sum()
            if asked:
                shares = (answers.refused[at].sum() / asked, answers.unparsed[at].sum() / asked)
                shown = (f"{share:.1%}" for share in shares)
                rows.append((state, str(scale), f"{value:g}", str(int(asked)), *shown))
    if clean:
        rows.append((", ".join(clean), "all", "all", "", "0", "0"))
    headings = ("state", "scale", "level", "answers", "declined", "unreadable")
    return PageTable(headings, tuple(rows))


def agreement(frame: pd.DataFrame) -> PageTable:
    """Text and log-probabilities side by side, where a cell has both."""
    both = frame[(frame["n"] > 0) & frame["p_max"].notna()]
    both = both[both["n"] > both["n_refused"] + both["n_unparsed"]]
    rows = []
    for state, part in both.groupby("state", sort=False):
        choices = part["n"] - part["n_refused"] - part["n_unparsed"]
        text = part["n_max"] / choices
        gap = float((text - part["p_max"]).abs().mean())
        varied = text.std() > 0 and part["p_max"].std() > 0
        correlation = f"{np.corrcoef(text, part['p_max'])[0, 1]:.3f}" if varied else "-"
        shares = (f"{text.mean():.3f}", f"{part['p_max'].mean():.3f}", f"{gap:.3f}")
        rows.append((str(state), str(len(part)), *shares, correlation))
    headings = ("state", "cells", "text", "log-probabilities", "mean difference", "correlation")
    return PageTable(headings, tuple(rows))
