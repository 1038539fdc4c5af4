"""Names of states agree with what uses them."""

from regard.tradeoffs.states import CONTROLS, QUESTIONS, STATES, TARGETS, level_of


def test_every_control_of_the_specification_is_there() -> None:
    assert set(CONTROLS) == {
        "nonsense",
        "neutral",
        "unfelt",
        "fear",
        "boredom",
        "both",
        "past",
        "denied",
    }


def test_pleasure_hangs_on_the_option_with_fewer_points_and_pain_on_the_other() -> None:
    assert STATES["pain"].clause == "best-after"
    assert STATES["pleasure"].clause == "second-after"


def test_a_name_is_a_state_or_a_question_and_never_both() -> None:
    assert not set(STATES) & set(QUESTIONS)
    assert {"none", *TARGETS, *CONTROLS} == set(STATES)


def test_the_last_verbal_step_is_the_end_of_the_numeric_scale() -> None:
    assert level_of(8, "verbal") == level_of(8, "shuffled") == 10
    assert level_of(8, "numeric") == 8
