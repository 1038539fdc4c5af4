"""A sample carries its cell."""

from dataclasses import asdict

from regard.tradeoffs.design import SHORT, design_cells
from regard.tradeoffs.prompts.render import render, right_label
from regard.tradeoffs.replica import replica_cells
from regard.tradeoffs.samples import FACTORS, samples_of


def test_each_cell_is_one_sample_with_its_id_and_all_factors() -> None:
    cells = design_cells(SHORT)
    samples = samples_of(cells)
    assert [sample.id for sample in samples] == [cell.cell_id for cell in cells]
    for cell, sample in zip(cells, samples, strict=True):
        assert {name: (sample.metadata or {})[name] for name in FACTORS} == asdict(cell)
        assert sample.target == right_label(cell)
        assert sample.input[-1].text == render(cell)  # type: ignore[union-attr]


def test_the_replica_knows_its_dominated_option() -> None:
    sample = samples_of(replica_cells())[0]
    assert sample.target == "3"
    assert (sample.metadata or {})["dominated_label"] == "1"
