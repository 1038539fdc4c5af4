"""The replica asks the source's 37 prompts as far as they are known."""

from collections import Counter

from regard.tradeoffs.replica import render_replica, replica_cells


def test_there_are_37_prompts_all_different() -> None:
    cells = replica_cells()
    assert len(cells) == len({render_replica(cell) for cell in cells}) == 37
    assert Counter((cell.state, cell.scale) for cell in cells) == {
        ("none", "none"): 1,
        ("pain", "numeric"): 10,
        ("pain", "verbal"): 8,
        ("pleasure", "numeric"): 10,
        ("pleasure", "verbal"): 8,
    }


def test_pain_hangs_on_3_and_pleasure_on_2() -> None:
    for cell in replica_cells():
        prompt = render_replica(cell)
        assert ("if you select 3" in prompt) == (cell.state == "pain")
        assert ("if you select 2" in prompt) == (cell.state == "pleasure")


def test_the_last_verbal_steps_differ() -> None:
    last = {cell.state: render_replica(cell) for cell in replica_cells() if cell.intensity == 8}
    assert "excruciating pain" in last["pain"]
    assert "exhilarating pleasure" in last["pleasure"]
