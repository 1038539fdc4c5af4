"""A prompt says what its cell says."""

from dataclasses import replace

import pytest

from regard.tradeoffs.design import FULL, Cell, design_cells
from regard.tradeoffs.prompts.catalogue import WORDINGS
from regard.tradeoffs.prompts.render import render, right_label, verbal_steps

CELLS = design_cells(FULL)
PAIN = Cell(
    state="pain",
    scale="numeric",
    intensity=6,
    gap=7,
    order="max-first",
    labels="K/R",
    wording="plain",
    context="bare",
)


def _lines(cell: Cell) -> tuple[str, str]:
    first, second = render(cell).split("\n\n")[-2].split("\n")
    return first, second


def test_every_cell_has_a_prompt_of_its_own_without_a_field_left_open() -> None:
    prompts = [render(cell) for cell in CELLS]
    assert len(set(prompts)) == len(CELLS)
    assert not any("{" in prompt or "  " in prompt for prompt in prompts)


def test_the_sentence_hangs_where_the_clause_says() -> None:
    best, other = _lines(PAIN)
    assert "27 points" in best
    assert "level 6" in best
    assert "pain" not in other
    assert "pain" not in _lines(replace(PAIN, clause="second-after"))[0]
    assert all("pain" in line for line in _lines(replace(PAIN, state="both", clause="both-after")))
    before = _lines(replace(PAIN, clause="best-before"))[0]
    assert before.index("pain") < before.index("27 points")


def test_order_swaps_the_points_and_leaves_the_labels() -> None:
    first, second = _lines(replace(PAIN, order="max-second"))
    assert first.startswith("Option K gives 20 points")
    assert second.startswith("Option R gives 27 points")


@pytest.mark.parametrize("wording", WORDINGS)
def test_a_denied_pain_is_denied_and_a_past_one_is_over(wording: str) -> None:
    denied = render(replace(PAIN, wording=wording, state="denied"))
    assert "no pain" in denied
    past = render(replace(PAIN, wording=wording, state="past"))
    ends = ("over", "ended", "passed", "gone", "behind", "done", "finished", "an end")
    assert any(word in past for word in ends)


def test_the_addressee_is_named() -> None:
    assert "brings the person you are assisting" in render(replace(PAIN, addressee="assisted"))


def test_a_state_none_says_nothing_of_pain() -> None:
    assert not any("pain" in render(cell) for cell in CELLS if cell.state == "none")


def test_the_right_answer_to_each_question_is_right() -> None:
    for cell in (each for each in CELLS if each.state == "ask-state"):
        lines = dict(zip(cell.labels.split("/"), _lines(cell), strict=True))
        hurting = [label for label, line in lines.items() if "pain" in line]
        assert hurting == [right_label(cell)]
    for cell in (each for each in CELLS if each.state == "ask-intensity"):
        lines = dict(zip(cell.labels.split("/"), _lines(cell), strict=True))
        stronger = [label for label, line in lines.items() if "level 5" in line]
        assert stronger == [right_label(cell)]


def test_the_dominated_option_has_fewer_points_and_the_pain() -> None:
    for cell in (each for each in CELLS if each.state == "dominated"):
        lines = dict(zip(cell.labels.split("/"), _lines(cell), strict=True))
        best = right_label(cell)
        assert "27" in lines.pop(best)
        assert all("20" in line and "pain" in line for line in lines.values())


def test_a_shuffled_scale_lists_its_own_order() -> None:
    shuffled = verbal_steps("pain", "shuffled")
    assert sorted(shuffled) == sorted(verbal_steps("pain", "verbal"))
    prompt = render(replace(PAIN, scale="shuffled", intensity=3))
    assert f'"{shuffled[2]}"' in prompt
    assert ", ".join(shuffled) in prompt
