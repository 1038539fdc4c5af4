from dataclasses import replace
from pathlib import Path

import pytest

from regard.common.rows import append_rows
from regard.common.tables import (
    BEGIN_MARK,
    END_MARK,
    NO_ROWS,
    TableError,
    cells_of,
    machine_of,
    readme_table,
    replace_between_marks,
    results_document,
)
from tests.common.test_rows import ROW


def test_the_document_shows_every_row_with_its_command_and_note(tmp_path: Path) -> None:
    append_rows(tmp_path / "serving.jsonl", [ROW, replace(ROW, value=99.0, high=99.0, notes="hm")])
    text = results_document(tmp_path)
    assert "## serving" in text
    assert text.count("| serving.tokens_per_second |") == 2
    assert text.count("Measured by `regard bench offline`.") == 1
    assert "- serving.tokens_per_second: hm" in text


def test_the_readme_shows_the_latest_row_of_a_metric(tmp_path: Path) -> None:
    newer = replace(ROW, value=12.75, device="Some CPU, 2 cores, 24 GiB; 1x NVIDIA H100")
    append_rows(tmp_path / "serving.jsonl", [ROW, newer])
    (line,) = readme_table(tmp_path).splitlines()[2:]
    assert "12.75" in line
    assert "| 2 cores, 1x NVIDIA H100 |" in line


def test_the_readme_keeps_to_the_headlines_their_order_and_words(tmp_path: Path) -> None:
    rows = [replace(ROW, metric=name) for name in ("a.one", "a.two", "b.one")]
    append_rows(tmp_path / "serving.jsonl", rows)
    (tmp_path / "headlines.txt").write_text("# what matters\nb.* | so fast\n\n*.one\n")
    lines = readme_table(tmp_path).splitlines()[2:]
    assert [line.split(" | ")[0] for line in lines] == ["| so fast", "| a.one"]
    assert lines[0].endswith("| `b.one` |")


def test_a_machine_is_its_cores_and_its_gpus() -> None:
    device = "Intel(R) Xeon(R), 32 cores, 252 GiB; 2x NVIDIA H100"
    assert machine_of(device) == "32 cores, 2x NVIDIA H100"
    assert machine_of("AMD EPYC, 2 cores, 24 GiB") == "2 cores"
    assert machine_of("a laptop") == "a laptop"


def test_without_rows_the_documents_say_so(tmp_path: Path) -> None:
    assert NO_ROWS in results_document(tmp_path)
    assert readme_table(tmp_path) == NO_ROWS


def test_replacing_twice_changes_nothing_more() -> None:
    text = f"before\n{BEGIN_MARK}\nold\n{END_MARK}\nafter\n"
    once = replace_between_marks(text, "new")
    assert "old" not in once
    assert once.startswith("before")
    assert once.endswith("after\n")
    assert replace_between_marks(once, "new") == once


@pytest.mark.parametrize("text", ["nothing", BEGIN_MARK, f"{END_MARK}{BEGIN_MARK}"])
def test_a_document_without_both_marks_is_refused(text: str) -> None:
    with pytest.raises(TableError, match="results:begin"):
        replace_between_marks(text, "new")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (12.5, "12.50"), (3.14159, "3.142"), (1234.56, "1235"), (2e-5, "2.000e-05")],
)
def test_numbers_keep_four_digits(value: float, text: str) -> None:
    assert cells_of(replace(ROW, value=value, low=None, high=None))[1] == text
