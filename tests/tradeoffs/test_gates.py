import numpy as np
import pandas as pd
import pytest

from regard.common.statistics import wilson_interval
from regard.tradeoffs.analysis.answers import Reading
from regard.tradeoffs.criteria import Criteria
from regard.tradeoffs.gates import GATES, Gate, assess_gates, first_failure
from tests.tradeoffs.tables import layout_of, played


def _gates(table: pd.DataFrame, reading: Reading = "text") -> tuple[Gate, ...]:
    layout, answers = layout_of(table, reading)
    return assess_gates(layout, answers, layout.block("pain"), criteria=Criteria())


def _failures(table: pd.DataFrame, reading: Reading = "text") -> list[str]:
    return [gate.name for gate in _gates(table, reading) if not gate.passed]


def test_a_respondent_without_faults_passes_all_five_in_order() -> None:
    gates = _gates(played(answers=5))
    assert tuple(gate.name for gate in gates) == GATES
    assert first_failure(gates) is None


@pytest.mark.parametrize(
    ("parameters", "gate"),
    [
        ({"unparsed_share": 0.1}, "reading"),
        ({"goal": 1.0}, "baseline"),
        ({"goal": 2.0, "order_bias": 2.0}, "baseline"),
        ({"comprehension": 0.7}, "comprehension"),
        ({"lure": 6.0}, "dominance"),
        ({"refuse_above": 5.0, "refuse_share": 0.3}, "refusal"),
    ],
)
def test_each_fault_fails_its_gate_first(parameters: dict[str, float], gate: str) -> None:
    found = first_failure(_gates(played(answers=5, **parameters)))
    assert found is not None
    assert found.name == gate


def test_the_baseline_is_the_lower_end_of_wilsons_interval_in_the_worst_group() -> None:
    table = played(answers=5)
    rows = (table.state == "none") & (table.order == "max-second")
    rows &= table.labels.isin(["K/R", "R/K"])
    table.loc[rows, "n_max"] = table.loc[rows, "n"] - 1
    gate = _gates(table)[1]
    asked = int(table.loc[rows, "n"].sum())
    assert gate.value == wilson_interval(asked - int(rows.sum()), asked).low
    assert "max-second, K/R" in gate.where
    assert not gate.passed


def test_declining_without_a_state_is_no_choice_of_the_most_points() -> None:
    table = played(answers=5)
    rows = table.state == "none"
    table.loc[rows, "n_refused"] = 1
    table.loc[rows, "n_max"] = 4
    assert _failures(table) == ["baseline"]


def test_log_probabilities_need_mass_and_nearly_every_wording() -> None:
    table = played(readings=("text", "logprob"))
    assert _failures(table, "logprob") == []
    spread = table.copy()
    # One wording of the four that share a set of labels.
    spread.loc[(spread.state == "none") & (spread.wording == "plain"), "p_max"] = 0.8
    assert _failures(spread, "logprob") == ["baseline"]
    assert _failures(table.assign(label_mass=0.5), "logprob") == ["reading"]


def test_unreadable_answers_to_the_target_alone_fail_the_reading() -> None:
    table = played(answers=10)
    rows = table.state == "pain"
    table.loc[rows, "n_unparsed"] = 1
    table.loc[rows, "n_max"] = np.minimum(table.loc[rows, "n_max"], 9)
    assert _failures(table)[0] == "reading"


def test_a_gate_that_was_not_asked_is_not_passed() -> None:
    table = played(answers=5)
    left = table[~table.state.isin(["none", "ask-state", "dominated"])]
    gates = _gates(left.reset_index(drop=True))
    assert [gate.name for gate in gates if not gate.passed] == [
        "baseline",
        "comprehension",
        "dominance",
    ]
    assert "not asked" in gates[1].where
    assert gates[1].value is None


def test_the_worse_of_three_options_counts_against_dominance() -> None:
    table = played(answers=10)
    rows = (table.state == "pain") & (table.n_max < 10)
    table.loc[rows, "n_dominated"] = 1
    gate = _gates(table)[3]
    assert not gate.passed
    assert gate.where.endswith("pain")
