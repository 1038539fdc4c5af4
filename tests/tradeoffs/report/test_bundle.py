from pathlib import Path

import pytest

from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.report.bundle import bundle_address


def _bundle(folder: Path) -> Path:
    (folder / "logs").mkdir(parents=True)
    (folder / "index.html").write_text("<html></html>", encoding="utf-8")
    return folder


def test_without_a_bundle_beside_it_a_page_links_to_none(tmp_path: Path) -> None:
    assert bundle_address(tmp_path / "page.html", None) == ""
    (tmp_path / "transcripts").mkdir()
    assert bundle_address(tmp_path / "page.html", None) == ""


def test_a_bundle_beside_the_page_is_found(tmp_path: Path) -> None:
    _bundle(tmp_path / "transcripts")
    assert bundle_address(tmp_path / "page.html", None) == "transcripts/index.html"


@pytest.mark.parametrize("start", ["", "index.html"])
def test_an_address_leads_from_the_page_to_the_bundle(tmp_path: Path, start: str) -> None:
    site = _bundle(tmp_path / "the site")
    page = tmp_path / "pages" / "page.html"
    assert bundle_address(page, str(site / start)) == "../the%20site/index.html"


def test_an_address_on_the_web_is_taken_as_it_is(tmp_path: Path) -> None:
    address = "https://example.org/site/index.html"
    assert bundle_address(tmp_path / "page.html", address) == address


def test_a_folder_that_is_no_bundle_is_refused_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(TradeoffsError, match="inspect view bundle"):
        bundle_address(tmp_path / "page.html", str(tmp_path))
