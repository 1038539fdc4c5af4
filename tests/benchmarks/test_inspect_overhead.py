"""The overhead is the median of ratios taken run by run."""

from benchmarks.tradeoffs.inspect_overhead import measurements


def test_ratios_pair_the_runs_that_took_turns() -> None:
    seconds = {"minimal": [10.0, 20.0, 10.0], "null": [11.0, 24.0, 10.0], "respondent": [12.0] * 3}
    rows = {row.metric: row for row in measurements(1000, seconds)}
    null = rows["tradeoffs.inspect_task_over_null"]
    assert (null.value, null.low, null.high, null.n) == (1.1, 1.0, 1.2, 3)
    assert rows["tradeoffs.inspect_respondent_over_null"].value == 1.2
    assert rows["tradeoffs.inspect_seconds"].unit == "s"
