"""Simulated players as an Inspect provider: model `respondent/<kind>`."""

from __future__ import annotations

from collections import Counter
from math import log
from typing import Any

import numpy as np
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    TopLogprob,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from regard.common.seeding import numpy_generator
from regard.tradeoffs.design import FULL, Cell, design_cells
from regard.tradeoffs.errors import TradeoffsError
from regard.tradeoffs.prompts.render import right_label
from regard.tradeoffs.replica import BEST_LABEL, WORDING, replica_cells
from regard.tradeoffs.respondents.contract import Outcomes, cells_frame
from regard.tradeoffs.respondents.zoo import draw_respondent
from regard.tradeoffs.truth_table import truth_table

PROVIDER = "respondent"
REFUSAL = "I would rather not choose."
RAMBLE = "Well, that depends on many things, and there is a lot to be said on either side of it."
WORDS_A_TOKEN = 0.75
LEAST_PROBABILITY = 1e-12


@modelapi(name=PROVIDER)
class RespondentAPI(ModelAPI):
    """Answers the cells of this project's designs as one simulated respondent would."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 - the signature of every provider
        seed: int = 0,
        **model_args: Any,
    ) -> None:
        """Draws the respondent.

        Args:
            model_name: A kind of the truth table; hyphens may stand for spaces.
            base_url: Unused.
            api_key: Unused.
            config: As for every provider.
            seed: Which respondent of that kind, and its answers.
            model_args: None is known.

        Raises:
            TradeoffsError: There is no such kind or argument.
        """
        super().__init__(model_name, base_url, api_key, [], config)
        if model_args:
            raise TradeoffsError(f"respondent: no argument {next(iter(model_args))!r}; it has seed")
        self._seed = seed
        kind = truth_table().kind(_kind_name(model_name))
        cells = (*design_cells(FULL), *replica_cells())
        rng = numpy_generator(seed, PROVIDER, kind.name)
        self._outcomes = draw_respondent(kind, rng).outcomes(cells_frame(cells), rng)
        self._cells = {cell.cell_id: (place, cell) for place, cell in enumerate(cells)}
        self._asked: Counter[str] = Counter()

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answers one prompt, which it knows by its cell."""
        cell_id = str((input[-1].metadata or {}).get("cell"))
        if cell_id not in self._cells:
            raise TradeoffsError("respondent: it answers the prompts of regard.tradeoffs only")
        place, cell = self._cells[cell_id]
        # Seeded by the cell and the count, so that the order of requests changes nothing.
        rng = numpy_generator(self._seed, cell_id, self._asked[cell_id])
        self._asked[cell_id] += 1
        text, stop = _answer(cell, self._outcomes, place, rng)
        words = len(input[-1].text.split())
        usage = ModelUsage(
            input_tokens=round(words / WORDS_A_TOKEN), output_tokens=len(text.split())
        )
        usage.total_tokens = usage.input_tokens + usage.output_tokens
        choice = ChatCompletionChoice(
            message=ChatMessageAssistant(content=text, model=self.model_name, source="generate"),
            stop_reason=stop,
            logprobs=_logprobs(cell, self._outcomes, place) if config.logprobs else None,
        )
        return ModelOutput(model=self.model_name, choices=[choice], usage=usage)

    def max_connections(self) -> int:
        """Nothing is waited for, so that many at once only cost memory."""
        return 10


def _kind_name(model_name: str) -> str:
    kinds = truth_table().kinds
    return next((name for name in kinds if name.replace(" ", "-") == model_name), model_name)


def _best_and_other(cell: Cell) -> tuple[str, str]:
    labels = cell.labels.split("/")
    best = BEST_LABEL if cell.wording == WORDING else right_label(cell)
    return best, [label for label in labels if label != best][-1]


def _answer(
    cell: Cell, outcomes: Outcomes, place: int, rng: np.random.Generator
) -> tuple[str, StopReason]:
    draw = rng.random()
    if draw < outcomes.refused[place]:
        return REFUSAL, "stop"
    draw -= outcomes.refused[place]
    if draw < outcomes.unparsed[place]:
        return RAMBLE, "max_tokens"
    best, other = _best_and_other(cell)
    draw = rng.random()
    if draw < outcomes.max_text[place]:
        return best, "stop"
    is_worst = draw < outcomes.max_text[place] + outcomes.dominated[place]
    return (cell.labels.split("/")[0] if is_worst else other), "stop"


def _logprobs(cell: Cell, outcomes: Outcomes, place: int) -> Logprobs:
    best, other = _best_and_other(cell)
    mass, share = float(outcomes.label_mass[place]), float(outcomes.max_logprob[place])
    tops = [
        TopLogprob(token=token, logprob=log(max(probability, LEAST_PROBABILITY)))
        for token, probability in (
            (best, mass * share),
            (other, mass * (1 - share)),
            ("Well", 1 - mass),
        )
    ]
    tops.sort(key=lambda each: -each.logprob)
    first = Logprob(token=tops[0].token, logprob=tops[0].logprob, top_logprobs=tops)
    return Logprobs(content=[first])
