"""Small runs through Inspect, offline, for the tests of whatever touches it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import EvalLog
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelOutput,
    ModelUsage,
    StopReason,
    TopLogprob,
    get_model,
)

from regard.tradeoffs.design import DesignConfig
from regard.tradeoffs.plan import Plan, new_plan

TINY = DesignConfig(
    wordings=("plain", "offer"),
    contexts=("bare",),
    gaps=(7,),
    intensities=(0, 10),
    states=("none", "pain"),
    side_blocks=(),
    questions=("dominated",),
)
"""16 cells: 4 of none, 8 of pain, 4 dominated."""

Reply = Callable[[str, GenerateConfig], ModelOutput]


def tiny_plan(*, reading: str = "text", runs: int = 2, **changes: Any) -> Plan:
    """A plan of the tiny design."""
    plan = new_plan("factorial", size="short", reading=reading, runs=runs)
    return replace(plan, design=TINY, **changes)


def output(
    text: str,
    *,
    stop: StopReason = "stop",
    tops: Sequence[tuple[str, float]] = (),
) -> ModelOutput:
    """An answer with its usage, without which the mock model would download a tokenizer.

    Args:
        text: The answer.
        stop: Why it ended.
        tops: Tokens and probabilities at its first place.
    """
    listed = [TopLogprob(token=token, logprob=log(share)) for token, share in tops]
    first = Logprob(token="x", logprob=-1.0, top_logprobs=listed)
    choice = ChatCompletionChoice(
        message=ChatMessageAssistant(content=text, source="generate"),
        stop_reason=stop,
        logprobs=Logprobs(content=[first]) if tops else None,
    )
    usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return ModelOutput(model="mockllm", choices=[choice], usage=usage)


def evaluate(task: Task, reply: Reply, log_dir: Path) -> EvalLog:
    """Runs a task on the mock model, which answers each prompt by `reply`."""

    def answer(messages: list[ChatMessage], tools: Any, choice: Any, config: Any) -> ModelOutput:
        return reply(messages[-1].text, config)

    model = get_model("mockllm/model", custom_outputs=answer)
    return inspect_eval(task, model=model, log_dir=str(log_dir), display="none", ctl_server=False)[
        0
    ]


def metrics(log: EvalLog) -> dict[str, float]:
    """The header's metrics by the name of the score, and of the group where there is one."""
    assert log.results is not None
    return {
        f"{score.name}:{name}": metric.value
        for score in log.results.scores
        for name, metric in score.metrics.items()
    }
