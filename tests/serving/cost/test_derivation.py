"""Numbers with their formulas."""

from hypothesis import given
from hypothesis import strategies as st

from regard.serving.cost.derivation import Derivation, term


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=5))
def test_the_filled_formula_evaluates_to_the_value(values: list[int]) -> None:
    made = term("t", *[(f"f{i}", value) for i, value in enumerate(values)], scale=2)
    product = 1.0
    for part in made.filled.split(" x "):
        product *= float(part)
    assert product == made.value
    assert made.formula.split(" x ")[0] == "2"


def test_lines_show_symbols_numbers_and_rules() -> None:
    terms = (term("a", ("x", 3), rule="odd"), term("b", ("y", 4), ("z", 5)))
    lines = Derivation(name="sum", unit="B", terms=terms).lines()
    assert lines[0] == "sum = 23 B"
    assert "    [rule: odd]" in lines
    assert "  b: y x z" in lines
    assert "    = 4 x 5 = 20" in lines
