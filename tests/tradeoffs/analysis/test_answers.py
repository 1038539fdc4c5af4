import numpy as np

from regard.tradeoffs.analysis.answers import answers_of, readings_of
from tests.tradeoffs.tables import played


def test_declined_and_unreadable_answers_are_no_choices_but_are_kept() -> None:
    table = played(refuse_above=3.0, refuse_share=0.5, unparsed_share=0.2, answers=10)
    answers = answers_of(table, "text")
    assert (answers.asked == 10).all()
    assert (answers.trials + answers.refused + answers.unparsed == 10).all()
    assert answers.refused.sum() > 0
    assert answers.unparsed.sum() > 0


def test_a_log_probability_is_one_answer_of_a_share() -> None:
    table = played(readings=("text", "logprob"))
    answers = answers_of(table, "logprob")
    assert (answers.trials == 1).all()
    assert np.array_equal(answers.successes, table["p_max"])
    assert readings_of(table) == ("text", "logprob")


def test_rows_without_log_probabilities_do_not_count() -> None:
    table = played(readings=("text", "logprob"))
    table.loc[:9, "p_max"] = np.nan
    answers = answers_of(table, "logprob")
    assert answers.trials[:10].sum() == 0
    assert np.isfinite(answers.successes).all()
    assert readings_of(played()) == ("text",)
