"""How a cell is asked: once, and once more with a larger cap where the answer was cut off."""

from __future__ import annotations

from inspect_ai.solver import Generate, Solver, TaskState, solver

from regard.tradeoffs.answer import parse_answer

ASKED_AGAIN = "asked_again"
"""Key in a sample's store that says whether it was."""


@solver
def ask(retry_tokens: int) -> Solver:
    """Asks the model; an answer that the cap cut off is our error, not the model's.

    Args:
        retry_tokens: Cap of the second try; 0 asks once only.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state = await generate(state)
        if retry_tokens and is_cut_off(state):
            # The model must not see its own unfinished answer.
            del state.messages[-1]
            state.store.set(ASKED_AGAIN, True)
            state = await generate(state, max_tokens=retry_tokens)
        return state

    return solve


def is_cut_off(state: TaskState) -> bool:
    """Whether the answer ended at the token cap without saying a label."""
    if state.output.empty or state.output.stop_reason not in ("max_tokens", "model_length"):
        return False
    labels = state.metadata["labels"].split("/")
    return parse_answer(state.output.completion, labels).outcome == "unparsed"
