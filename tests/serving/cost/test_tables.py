import csv
import io
import json

import pytest
from rich.console import Console

from regard.serving.cost.tables import Column, Table, print_output

TABLE = Table(
    title="Two",
    columns=(Column(key="name", title="Name"), Column(key="usd", title="USD", form=".2f")),
    rows=(("a, b", 1.23456), ("c", None)),
    caption="so it is",
)


def test_csv_keeps_all_digits_and_quotes_commas() -> None:
    rows = list(csv.reader(io.StringIO(TABLE.as_csv())))
    assert rows == [["name", "usd"], ["a, b", "1.23456"], ["c", ""]]


def test_a_person_reads_rounded_numbers_and_the_caption() -> None:
    console = Console(file=io.StringIO(), width=60)
    TABLE.print(console)
    page = console.file.getvalue()
    assert "1.23" in page
    assert "1.234" not in page
    assert "so it is" in page


def test_json_prints_the_data_alone(capsys: pytest.CaptureFixture) -> None:
    print_output([TABLE], data={"usd": 1.5}, as_json=True, as_csv=False)
    assert json.loads(capsys.readouterr().out) == {"usd": 1.5}
