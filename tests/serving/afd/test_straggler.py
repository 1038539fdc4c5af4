import random

import pytest

from regard.serving.afd.simulation.fit import Sample
from regard.serving.afd.straggler import straggling_of


def _samples(factor: float, *, rows: int, seed: int) -> list[Sample]:
    generator = random.Random(seed)
    return [
        Sample(rows, layer, factor * (50 + 10 * rows) * (1 + layer) * generator.gauss(1, 0.05))
        for layer in (0, 1)
        for _ in range(60)
    ]


def test_the_slow_worker_is_found_by_how_much_it_is_slow() -> None:
    samples = {f"attention{i}": _samples(1.2 if i == 1 else 1.0, rows=8, seed=i) for i in range(4)}
    found = straggling_of(samples)
    assert found is not None
    assert found.worker == "attention1"
    assert found.factor == pytest.approx(1.2, rel=0.03)
    assert found.is_straggler


def test_more_rows_are_no_fault() -> None:
    samples = {f"ffn{i}": _samples(1.0, rows=rows, seed=i) for i, rows in enumerate((4, 8, 32))}
    found = straggling_of(samples)
    assert found is not None
    assert not found.is_straggler


def test_of_two_workers_the_other_is_the_measure() -> None:
    samples = {"ffn0": _samples(1.5, rows=8, seed=0), "ffn1": _samples(1.0, rows=8, seed=1)}
    found = straggling_of(samples)
    assert found is not None
    assert (found.worker, round(found.factor, 1)) == ("ffn0", 1.5)


def test_a_single_worker_has_no_peers() -> None:
    assert straggling_of({"ffn0": _samples(1.0, rows=8, seed=0)}) is None
