import pytest

from regard.serving.bench.offline_result import offline_result


def test_the_middle_run_is_the_figure_and_the_others_bound_it():
    result = offline_result(2, 100, 20, (4.0, 1.0, 2.0))
    assert result.output_tokens_per_second == 10.0
    assert result.lowest_output_tokens_per_second == 5.0
    assert result.highest_output_tokens_per_second == 20.0
    assert result.total_tokens_per_second == 60.0
    assert result.run_seconds == (4.0, 1.0, 2.0)


def test_two_runs_meet_in_the_middle():
    assert offline_result(1, 1, 6, (1.0, 3.0)).output_tokens_per_second == pytest.approx(3.0)
