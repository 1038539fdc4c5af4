"""What an answer counts as: the choice, what cannot be counted, the labels' probabilities."""

from __future__ import annotations

from inspect_ai.scorer import Score, Scorer, Target, grouped, mean, scorer
from inspect_ai.solver import TaskState

from regard.tradeoffs.answer import Answer, parse_answer
from regard.tradeoffs.label_tokens import read_labels
from regard.tradeoffs.solver import is_cut_off

TRUNCATED = "truncated"
"""Reason of a score where both tries ended at the cap: our error, and counted as unparsed."""


@scorer(metrics=[grouped(mean(), "state", all=False)])
def choice() -> Scorer:
    """1 for the option with the most points (or the right answer), 0 for another one.

    Numbers and not names: the reducer over epochs would turn a name into 0. An answer without a
    choice is unscored, with its reason.
    """

    async def score(state: TaskState, target: Target) -> Score:
        answer = _parse(state)
        if answer.outcome == "choice":
            return Score(value=float(answer.label == target.text), answer=answer.label)
        return Score.unscored(reason=_reason(state, answer), explanation=state.output.completion)

    return score


@scorer(metrics={"*": [mean()]})
def tally() -> Scorer:
    """Shares of answers that declined, named no option, were cut off, or took the worst option."""

    async def score(state: TaskState, target: Target) -> Score:
        answer = _parse(state)
        cut_off = answer.outcome == "unparsed" and is_cut_off(state)
        return Score(
            value={
                "refused": float(answer.outcome == "refused"),
                "unparsed": float(answer.outcome == "unparsed"),
                "truncated": float(cut_off),
                "dominated": float(
                    answer.label is not None and answer.label == state.metadata["dominated_label"]
                ),
            }
        )

    return score


@scorer(metrics={"*": [mean()]})
def label_probability() -> Scorer:
    """Probability of the option with the most points among the labels' own mass, and that mass."""

    async def score(state: TaskState, target: Target) -> Score:
        first = _first_token(state)
        if not first:
            return Score.unscored(
                reason="scoring_failed", explanation="the model returned no log-probabilities"
            )
        reading = read_labels(first, state.metadata["labels"].split("/"))
        return Score(
            value={
                "p_max": reading.shares[target.text],
                "label_mass": reading.mass,
                "split_mass": reading.split_mass,
            }
        )

    return score


def _first_token(state: TaskState) -> list[tuple[str, float]]:
    if state.output.empty or state.output.choices[0].logprobs is None:
        return []
    content = state.output.choices[0].logprobs.content
    return [(each.token, each.logprob) for each in content[0].top_logprobs or []] if content else []


def _parse(state: TaskState) -> Answer:
    if not state.output.empty and state.output.stop_reason == "content_filter":
        return Answer("refused")
    return parse_answer(state.output.completion, state.metadata["labels"].split("/"))


def _reason(state: TaskState, answer: Answer) -> str:
    if answer.outcome == "refused":
        return "refusal"
    if is_cut_off(state):
        return TRUNCATED
    return "invalid_response_format" if state.output.completion.strip() else "no_response"
