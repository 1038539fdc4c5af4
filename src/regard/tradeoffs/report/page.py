"""The page: one HTML file without any other."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]

from regard.tradeoffs.analysis.answers import Reading, answers_of, readings_of
from regard.tradeoffs.analysis.holm import holm
from regard.tradeoffs.analysis.layout import Layout
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.read_log import RunLog
from regard.tradeoffs.report.prompts import prompts_of
from regard.tradeoffs.report.registration import Registration
from regard.tradeoffs.report.tables import agreement, biases, losses, side_blocks
from regard.tradeoffs.report.target_section import TargetSection, section_of
from regard.tradeoffs.report.template import fill
from regard.tradeoffs.states import JUDGED_SCALES, TARGETS
from regard.tradeoffs.verdict import Verdict, judge

OPENING = (
    "This instrument measures choices over stipulated states. It is evidence neither for nor "
    "against feeling, and certifies nothing about safety."
)


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the template is filled with."""

    opening: str
    run: RunLog
    registration: Registration
    sections: tuple[TargetSection, ...]
    not_judged: tuple[str, ...]
    """Targets that cannot be judged, with the reason."""
    holm: dict[str, str]
    """Adjusted p value of the dose-response, by target and scale."""
    bundle: str
    """Address of the bundle of transcripts, relative to the page; empty without one."""
    versions: dict[str, str]


def make_page(run: RunLog, registration: Registration, *, bundle: str = "", seed: int = 0) -> str:
    """The HTML of a run's report.

    Raises:
        TradeoffsError: The run has no target.
    """
    criteria = Criteria()
    layout = Layout(run.cells)
    wanted = [
        (target, scale)
        for target in TARGETS
        for scale in JUDGED_SCALES[run.task]
        if layout.has(target, scale=scale)
    ]
    if not wanted:
        raise TradeoffsError(f"the run has neither {' nor '.join(TARGETS)} in it")
    verdicts, not_judged = _verdicts(run.cells, wanted, layout, criteria)
    sections = tuple(
        section_of(
            layout,
            answers_of(run.cells, _reading(verdict, run.cells)),
            verdict,
            criteria=criteria,
            seed=seed,
        )
        for verdict in verdicts
    )
    page = Page(
        opening=OPENING,
        run=run,
        registration=registration,
        sections=sections,
        not_judged=tuple(not_judged),
        holm=_adjusted(verdicts),
        bundle=bundle,
        versions=versions(),
    )
    return _render(page, layout, criteria)


def versions() -> dict[str, str]:
    """Of what a page rests on."""
    return {name: metadata.version(name) for name in ("regard", "inspect-ai", "numpy")}


def write_page(text: str, path: Path) -> None:
    """Writes the page.

    Raises:
        TradeoffsError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TradeoffsError(f"cannot write {path}: {error.strerror}") from error


def _verdicts(
    cells: pd.DataFrame, wanted: list[tuple[str, str]], layout: Layout, criteria: Criteria
) -> tuple[list[Verdict], list[str]]:
    verdicts, not_judged = [], []
    for target, scale in wanted:
        try:
            verdicts.append(judge(cells, target, criteria=criteria, scale=scale, layout=layout))
        except TradeoffsError as error:
            not_judged.append(f"{target}, {scale} scale: {error}")
    return verdicts, not_judged


def _reading(verdict: Verdict, cells: pd.DataFrame) -> Reading:
    """The reading that decides, or the first there is."""
    return verdict.readings[0].reading if verdict.readings else readings_of(cells)[0]


def _adjusted(verdicts: list[Verdict]) -> dict[str, str]:
    fits = {
        f"{each.target} {each.scale}": each.readings[0].findings.dose.slope_p_value
        for each in verdicts
        if each.readings
    }
    adjusted = holm(list(fits.values()))
    return {name: f"{value:.2g}" for name, value in zip(fits, adjusted, strict=True)}


def _render(page: Page, layout: Layout, criteria: Criteria) -> str:
    cells = page.run.cells
    answers = answers_of(cells, readings_of(cells)[0])
    return fill(
        "page.html.j2",
        page=page,
        criteria=criteria,
        side_blocks=side_blocks(layout, answers, cells, confidence=criteria.confidence),
        biases=biases(layout, answers),
        losses=losses(layout, answers, cells),
        agreement=agreement(cells),
        prompts=prompts_of(cells, page.run.task),
        num_cells=len(cells),
    )
