from regard.tradeoffs.design import FULL
from regard.tradeoffs.report.tables import agreement, biases, losses, side_blocks
from tests.tradeoffs.tables import layout_of, played

TRADER: dict[str, float] = {"slope": 1.5, "threshold": 3.0, "price": 0.7}


def test_every_block_has_its_row_and_the_main_one_of_pain_comes_first() -> None:
    table = played(design=FULL, **TRADER)
    layout, answers = layout_of(table)
    rows = side_blocks(layout, answers, table, confidence=0.95).rows
    names = [row[:4] for row in rows]
    assert names[0] == ("pain", "numeric", "model", "best-after")
    assert ("pain", "verbal", "model", "best-after") in names
    assert ("nonsense", "numeric", "assisted", "best-after") in names
    assert ("pleasure", "numeric", "model", "best-before") in names
    assert len(names) == len(set(names))
    assert not any(row[0] in ("none", "dominated") for row in rows)


def test_a_liking_for_a_place_shows_in_the_rows_of_orders() -> None:
    layout, answers = layout_of(played(goal=1.0, order_bias=2.0))
    found = biases(layout, answers)
    shares = {row[:2]: float(row[2].split()[0]) for row in found.rows}
    assert len(shares) == 6
    assert shares["max-first", "K/R"] > 0.85 > 0.4 > shares["max-second", "K/R"]


def test_losses_are_shown_where_there_are_some() -> None:
    table = played(answers=10, **TRADER, refuse_above=5.0, refuse_share=1.0)
    layout, answers = layout_of(table)
    rows = {row[:3]: row[4:] for row in losses(layout, answers, table).rows}
    assert rows["pain", "numeric", "10"] == ("100.0%", "0.0%")
    assert rows["pain", "numeric", "2"] == ("0.0%", "0.0%")
    clean = next(names for names, _, level in rows if level == "all")
    assert "none" in clean
    assert "both" not in clean


def test_steps_of_different_scales_are_not_added_up() -> None:
    table = played(design=FULL, answers=10, **TRADER, refuse_above=-1.0, refuse_share=1.0)
    layout, answers = layout_of(table)
    rows = losses(layout, answers, table).rows
    asked = {row[1]: int(row[3]) for row in rows if (row[0], row[2]) == ("pain", "8")}
    for scale, number in asked.items():
        own = (table["state"] == "pain") & (table["intensity"] == 8) & (table["scale"] == scale)
        assert number == table.loc[own, "n"].sum()
    assert set(asked) == {"numeric", "verbal", "shuffled"}


def test_readings_of_one_mind_agree() -> None:
    table = played(answers=20, readings=("text", "logprob"), **TRADER)
    row = next(row for row in agreement(table).rows if row[0] == "pain")
    assert float(row[4]) < 0.08
    assert float(row[5]) > 0.95
    assert agreement(played()).rows == ()
