from collections import Counter
from pathlib import Path

import pytest

from benchmarks.tradeoffs import intervals, power_table, zoo_matrix
from regard.tradeoffs.truth_table import truth_table


def test_the_matrix_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept.jsonl"
    kinds = tuple(truth_table().kinds)
    lines = [
        f'{{"kind": "{kind}", "first": 0, "verdicts": {{"never": 25}}, "seed": {zoo_matrix.SEED}}}'
        for kind in kinds
    ]
    kept.write_text("\n".join(lines) + "\n")
    totals = zoo_matrix.run(25, workers=1, kept=kept)
    assert all(counts == Counter(never=25) for counts in totals.values())
    assert len(kept.read_text().splitlines()) == len(kinds)


def test_rows_of_the_matrix_count_what_is_allowed_and_every_false_trade_off() -> None:
    totals = {name: Counter({kind.allowed[0]: 9}) for name, kind in truth_table().kinds.items()}
    totals["word-averse"]["trade-off"] = 1
    rows = {row.metric: row for row in zoo_matrix.measurements(totals)}
    assert rows["tradeoffs.zoo_allowed/word-averse"].value == 0.9
    assert rows["tradeoffs.zoo_false_trade_off/word-averse"].value == 0.1
    assert rows["tradeoffs.zoo_false_trade_off/always-max"].value == 0
    assert "tradeoffs.zoo_false_trade_off/trade-off" not in rows
    total = rows["tradeoffs.zoo_allowed/zoo-1"]
    assert total.n == 9 * len(truth_table().zoo(1)) + 1
    assert "worst kind: word-averse, 0.900" in total.notes


def test_a_data_set_is_judged_in_four_ways() -> None:
    found = intervals.covered(1, name="coins-only")
    assert set(found) == {"fieller-cr2", "cluster-bootstrap", "bootstrap-t", "plain-logit"}
    assert set(intervals.false_positives(1)) == {
        "ten-wordings-clustered",
        "one-wording-plain-logit",
    }
    assert intervals.MANY_WORDINGS.calls == intervals.ONE_WORDING.calls


def test_a_size_of_the_power_table_is_that_of_the_command() -> None:
    row = power_table.one_size(("strong", 6, 1, 1))
    assert (row.wordings, row.runs, row.draws) == (6, 1, 1)
