from pathlib import Path

import pytest

from regard import cli

FIGURES = ("cost_over_context", "cost_parts", "rooflines", "pareto")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    assert cli.main(["cost", "report", "--output", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_the_page_has_every_figure_table_and_derivation(folder: Path) -> None:
    page = (folder / "index.html").read_text()
    assert page.count("<svg") == len(FIGURES)
    assert "2A2F, published" in page
    assert "qwen3-235b-a22b" in page
    assert "1 x 512 x 61 x 8192 x 1 = 2.559e+08" in page
    for name in FIGURES:
        assert (folder / f"{name}.png").stat().st_size > 10_000
        assert (folder / f"{name}.svg").stat().st_size > 5_000


@pytest.mark.slow
def test_the_committed_page_is_current(folder: Path, repository: Path) -> None:
    committed = repository / "docs" / "cost_report" / "index.html"
    assert committed.read_text() == (folder / "index.html").read_text()
