"""`regard tradeoffs report`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from regard.tradeoffs.read_log import read_run
from regard.tradeoffs.report.bundle import bundle_address
from regard.tradeoffs.report.page import make_page, write_page
from regard.tradeoffs.report.registration import default_folder, registration_of


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Write one self-contained HTML page of a run: the verdict first, then what it rests on.

    Example: regard tradeoffs report logs/run --out report.html
    """

    log: Annotated[Path, tyro.conf.Positional]
    """A log, or a folder with the logs of one run."""
    out: Path = Path("report.html")
    """Where the page goes."""
    all_logs: Path | None = None
    """Folder in which all logs of all runs lie, for counting those of the model; by default two
    folders above the run's, which is where regard tradeoffs run puts them."""
    bundle: str | None = None
    """Transcripts to link to: the folder that inspect view bundle wrote, or an address on the web;
    by default the folder transcripts beside the page, where there is one."""
    seed: int = 0
    """Of the resampling behind the checks."""


def main(argv: Sequence[str]) -> int:
    """Writes the page.

    Raises:
        TradeoffsError: The log cannot be read, there is no such bundle of transcripts, or the page
            cannot be written.
    """
    options = tyro.cli(ReportOptions, prog="regard tradeoffs report", args=list(argv))
    address = bundle_address(options.out, options.bundle)
    run = read_run(options.log)
    folder = options.all_logs or default_folder(options.log)
    registration = registration_of(run, folder=folder)
    text = make_page(run, registration, bundle=address, seed=options.seed)
    write_page(text, options.out)
    print(options.out)
    return 0
