"""Through Inspect a simulated player answers as it does without it."""

from pathlib import Path

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import ChatMessageUser, GenerateConfig

from regard.tradeoffs.design import FULL, design_cells
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.plan import planned_cells
from regard.tradeoffs.read_log import read_run
from regard.tradeoffs.respondents.provider import RespondentAPI
from regard.tradeoffs.samples import samples_of
from regard.tradeoffs.task import build_task
from tests.tradeoffs.inspect_runs import tiny_plan


def _run(model: str, folder: Path) -> EvalLog:
    plan = tiny_plan(reading="both", runs=2)
    task = build_task(plan, planned_cells(plan), epochs=2)
    return inspect_eval(task, model=model, log_dir=str(folder), display="none", ctl_server=False)[0]


def test_a_player_plays_a_task_offline(tmp_path: Path) -> None:
    log = _run("respondent/always-avoids", tmp_path)
    assert log.status == "success"
    cells = read_run(tmp_path).cells.set_index("state")
    assert cells.loc["none", "n_max"].sum() > 5
    assert cells.loc["pain", "n_max"].sum() < 3
    assert cells.loc["pain", "p_max"].max() < 0.2
    assert (cells["label_mass"] > 0.9).all()


@pytest.mark.parametrize(("kind", "column"), [("rambler", "n_unparsed"), ("refuser", "n_refused")])
def test_what_is_no_choice_arrives_as_such(kind: str, column: str, tmp_path: Path) -> None:
    _run(f"respondent/{kind}", tmp_path)
    assert read_run(tmp_path).cells[column].sum() > 0


async def test_the_order_of_requests_changes_no_answer() -> None:
    samples = samples_of(design_cells(FULL)[:30])
    forward = RespondentAPI("random", seed=1)
    backward = RespondentAPI("random", seed=1)
    other = RespondentAPI("random", seed=2)
    config = GenerateConfig()
    texts: list[list[str]] = [[], [], []]
    for place in range(30):
        for row, (api, at) in enumerate(((forward, place), (backward, 29 - place), (other, place))):
            answer = await api.generate(list(samples[at].input), [], "none", config)  # type: ignore[arg-type]
            texts[row].append(answer.completion)
    assert texts[0] == texts[1][::-1]
    assert texts[0] != texts[2]


async def test_a_prompt_of_somebody_else_is_refused() -> None:
    with pytest.raises(TradeoffsError, match=r"answers the prompts of regard\.tradeoffs only"):
        await RespondentAPI("random").generate(
            [ChatMessageUser(content="Hello")], [], "none", GenerateConfig()
        )


def test_unknown_kinds_and_arguments_are_refused() -> None:
    with pytest.raises(TradeoffsError, match="no respondent 'nobody'"):
        RespondentAPI("nobody")
    with pytest.raises(TradeoffsError, match="no argument 'threshold'"):
        RespondentAPI("random", threshold=3)


async def test_log_probabilities_carry_the_mass_and_the_share() -> None:
    api = RespondentAPI("always-max")
    sample = samples_of(design_cells(FULL)[:1])[0]
    answer = await api.generate(list(sample.input), [], "none", GenerateConfig(logprobs=True))  # type: ignore[arg-type]
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    tops = {top.token: np.exp(top.logprob) for top in logprobs.content[0].top_logprobs or []}
    assert sum(tops.values()) == pytest.approx(1.0)
    assert tops["K"] > 0.95
