"""The table between measuring and analysis keeps its rules and says which line breaks them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regard.tradeoffs.cells import (
    COLUMNS,
    CellRow,
    CellsError,
    check_cells,
    read_cells,
    to_frame,
    write_cells,
)

ROW = CellRow(
    state="pain",
    scale="numeric",
    intensity=4,
    gap=10,
    order="max-first",
    labels="K/R",
    wording="w01",
    context="bare",
    n=5,
    n_max=3,
    n_refused=1,
    n_unparsed=0,
)
MINIMAL = (
    "state,scale,intensity,gap,order,labels,wording,context,n,n_max,n_refused,n_unparsed\n"
    "pain,numeric,4,10,max-first,1/2,w01,bare,5,3,1,0\n"
)


def _read(tmp_path: Path, text: str) -> pd.DataFrame:
    path = tmp_path / "cells.csv"
    path.write_text(text, encoding="utf-8")
    return read_cells(path)


def test_a_table_survives_writing_and_reading(tmp_path: Path) -> None:
    frame = to_frame([ROW, replace(ROW, intensity=6, p_max=0.25, label_mass=0.97)])
    write_cells(frame, tmp_path / "folder/cells.csv")
    pd.testing.assert_frame_equal(read_cells(tmp_path / "folder/cells.csv"), frame)


def test_a_table_of_counts_alone_gets_the_other_columns(tmp_path: Path) -> None:
    frame = _read(tmp_path, MINIMAL)
    assert tuple(frame.columns) == COLUMNS
    row = frame.iloc[0]
    assert (row["addressee"], row["clause"], row["n_dominated"]) == ("model", "best-after", 0)
    assert np.isnan(row["p_max"])
    assert np.isnan(row["label_mass"])


def test_labels_stay_text(tmp_path: Path) -> None:
    assert _read(tmp_path, MINIMAL).iloc[0]["labels"] == "1/2"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n_unparsed\n", "unclear\n", "columns missing: n_unparsed"),
        ("n_unparsed\n", "n_unparsed,mood\n", "unknown columns: mood"),
        (",5,3,1,0", ",five,3,1,0", "line 2, column n: 'five': give a number"),
        (",5,3,1,0", ",5,3.5,1,0", "column n_max: '3.5': give a whole number from 0"),
        (",5,3,1,0", ",5,,1,0", "column n_max: '': give a number"),
        (",5,3,1,0", ",5,5,1,0", "6 outcomes of 5 answers"),
        (",5,3,1,0", ",0,0,0,0", "a row needs text answers or p_max"),
        ("4,10,", "4,0,", "column gap: '0': give a number above 0"),
        ("4,10,", "inf,10,", "column intensity: 'inf': give a number"),
        ("w01", " ", "column wording"),
    ],
)
def test_a_broken_table_is_refused_with_its_place(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    text = MINIMAL.replace(old, new)
    if "mood" in new:
        text = text.replace(",3,1,0\n", ",3,1,0,x\n")
    with pytest.raises(CellsError) as caught:
        _read(tmp_path, text)
    assert message in str(caught.value)


@pytest.mark.parametrize(("p_max", "fits"), [(1.0, True), (1.2, False)])
def test_probabilities_stay_between_0_and_1(p_max: float, fits: bool) -> None:
    rows = [replace(ROW, p_max=p_max)]
    if fits:
        assert to_frame(rows).iloc[0]["p_max"] == p_max
    else:
        with pytest.raises(CellsError, match="give 0 to 1"):
            to_frame(rows)


def test_a_cell_may_stand_once_only() -> None:
    with pytest.raises(CellsError, match="line 3"):
        to_frame([ROW, ROW])


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(CellsError, match="no row"):
        check_cells(pd.DataFrame(columns=list(COLUMNS)), source="x")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CellsError, match="no such file"):
        read_cells(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CellsError, match="cannot be read"):
        read_cells(tmp_path / "folder.csv")
