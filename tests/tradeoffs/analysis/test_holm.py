import pytest
from statsmodels.stats.multitest import multipletests

from regard.tradeoffs.analysis.holm import holm


@pytest.mark.parametrize("values", [[0.01, 0.04, 0.03], [0.5], [0.9, 0.8, 0.001, 0.02], []])
def test_adjusted_values_are_those_of_statsmodels(values: list[float]) -> None:
    wanted = multipletests(values, method="holm")[1] if values else []
    assert holm(values) == pytest.approx(list(wanted))


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.1, 1.2])
