"""An answer that the cap cut off is asked again, once, with the larger cap."""

from pathlib import Path

from inspect_ai.log import EvalSample
from inspect_ai.model import GenerateConfig, ModelOutput

from regard.tradeoffs.plan import planned_cells
from regard.tradeoffs.solver import ASKED_AGAIN
from regard.tradeoffs.task import build_task
from tests.tradeoffs.inspect_runs import Reply, evaluate, output, tiny_plan


def _sample(reply: Reply, folder: Path) -> EvalSample:
    plan = tiny_plan(runs=1, max_tokens=8, retry_tokens=32)
    log = evaluate(build_task(plan, planned_cells(plan)[:1], epochs=1), reply, folder)
    assert log.status == "success"
    return (log.samples or [])[0]


def test_a_cut_off_answer_is_asked_again_with_the_larger_cap(tmp_path: Path) -> None:
    caps = []

    def reply(prompt: str, config: GenerateConfig) -> ModelOutput:
        caps.append(config.max_tokens)
        if config.max_tokens == 8:
            return output("Let me think about", stop="max_tokens")
        return output("K")

    sample = _sample(reply, tmp_path)
    assert caps == [8, 32]
    assert (sample.scores or {})["choice"].value == 1.0
    assert sample.store[ASKED_AGAIN] is True
    # The second try starts afresh.
    assert [message.role for message in sample.messages] == ["user", "assistant"]


def test_it_is_asked_twice_at_most_and_then_counts_as_truncated(tmp_path: Path) -> None:
    caps = []

    def reply(prompt: str, config: GenerateConfig) -> ModelOutput:
        caps.append(config.max_tokens)
        return output("Let me think", stop="max_tokens")

    sample = _sample(reply, tmp_path)
    assert caps == [8, 32]
    assert (sample.scores or {})["choice"].reason == "truncated"


def test_a_label_before_the_cap_is_an_answer(tmp_path: Path) -> None:
    calls = []

    def reply(prompt: str, config: GenerateConfig) -> ModelOutput:
        calls.append(prompt)
        return output("K. It has", stop="max_tokens")

    assert (_sample(reply, tmp_path).scores or {})["choice"].value == 1.0
    assert len(calls) == 1
