import pytest

from regard.tradeoffs.truth_table import truth_table
from regard.tradeoffs.zoo import count_verdicts, judge_draws

KINDS = [truth_table().kind(name) for name in ("trade-off", "word-averse", "rambler")]


def test_kinds_of_each_sort_get_verdicts_that_are_true_of_them() -> None:
    advanced: list[float] = []
    found = count_verdicts(KINDS, draws=2, seed=1, advance=advanced.append)
    assert {name: sum(counts.values()) for name, counts in found.counts.items()} == {
        "trade-off": 2,
        "word-averse": 2,
        "rambler": 2,
    }
    assert [found.num_allowed(kind.name) for kind in KINDS] == [2, 2, 2]
    assert found.allowed["rambler"] == ["not measurable: reading"]
    assert sum(advanced) == 6


@pytest.mark.slow
def test_a_draw_is_the_same_in_another_process_and_beside_other_kinds() -> None:
    alone = count_verdicts(KINDS[1:2], draws=12, seed=7)
    shared = count_verdicts(KINDS[:2], draws=12, seed=7, workers=2)
    assert alone.counts["word-averse"] == shared.counts["word-averse"]


def test_draws_go_on_where_an_earlier_count_ended() -> None:
    whole = judge_draws(("weak trade-off", range(6)), seed=3)
    parts = judge_draws(("weak trade-off", range(3)), seed=3)
    parts += judge_draws(("weak trade-off", range(3, 6)), seed=3)
    assert whole == parts


def test_verdicts_that_are_not_true_are_not_counted_as_allowed() -> None:
    found = count_verdicts(KINDS[:1], draws=2, seed=1)
    found.counts["trade-off"] = {"never": 2, "trade-off": 1}
    assert found.num_allowed("trade-off") == 1
