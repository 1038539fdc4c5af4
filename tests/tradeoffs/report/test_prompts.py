from regard.tradeoffs.design import FULL
from regard.tradeoffs.prompts.render import render
from regard.tradeoffs.report.prompts import SHOWN_ONCE, prompts_of
from regard.tradeoffs.respondents.contract import key_frame


def test_each_text_is_shown_once_and_as_it_was_sent() -> None:
    keys = key_frame(FULL)
    prompts = prompts_of(keys, "factorial")
    assert len(prompts) == len(keys.drop_duplicates(SHOWN_ONCE))
    assert len({prompt.cell_id for prompt in prompts}) == len(prompts)
    from regard.tradeoffs.design import design_cells

    by_id = {cell.cell_id: cell for cell in design_cells(FULL)}
    assert all(prompt.text == render(by_id[prompt.cell_id]) for prompt in prompts)
