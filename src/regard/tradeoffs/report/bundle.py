"""The transcripts beside a page: what `inspect view bundle` wrote."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from regard.tradeoffs.errors import TradeoffsError

DEFAULT_FOLDER = "transcripts"
"""Beside the page; linked without being named."""
START = "index.html"
LOGS = "logs"
"""Folder of a bundle that holds the logs it shows."""


def bundle_address(page: Path, bundle: str | None) -> str:
    """Where a page finds the transcripts.

    Args:
        page: The page's own path.
        bundle: A bundle's folder or its first page, an address on the web, or None: the folder
            `transcripts` beside the page, where there is one.

    Returns:
        An address relative to the page, or on the web; empty where there is no bundle.

    Raises:
        TradeoffsError: The folder named is no bundle of Inspect's.
    """
    if bundle is None:
        folder = page.parent / DEFAULT_FOLDER
        return _relative(folder, page) if _is_bundle(folder) else ""
    if bundle.startswith(("http://", "https://")):
        return bundle
    folder = Path(bundle).parent if Path(bundle).name == START else Path(bundle)
    if not _is_bundle(folder):
        raise TradeoffsError(
            f"{folder} is no bundle of transcripts: make one with "
            f"`inspect view bundle --log-dir LOGS --output-dir {folder}`"
        )
    return _relative(folder, page)


def _is_bundle(folder: Path) -> bool:
    return (folder / START).is_file() and (folder / LOGS).is_dir()


def _relative(folder: Path, page: Path) -> str:
    path = os.path.relpath((folder / START).resolve(), page.parent.resolve())
    return quote(Path(path).as_posix())
