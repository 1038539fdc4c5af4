"""What is asked in a benchmark."""

import itertools
from collections.abc import Sequence

import numpy as np

TASKS = (
    "Explain to a curious child how {} work.",
    "Write a short story about {}.",
    "List five surprising facts about {}.",
    "Compare {} of today with those of a hundred years ago.",
    "Write a poem of eight lines about {}.",
    "What should someone know before buying {}?",
    "Describe {} to somebody who has never seen any.",
    "Summarise the history of {} in three paragraphs.",
)
SUBJECTS = (
    "bridges",
    "violins",
    "lighthouses",
    "bicycles",
    "glaciers",
    "clocks",
    "wheelchairs",
    "looms",
    "telescopes",
    "beehives",
    "canals",
    "kites",
    "libraries",
    "robot arms",
    "volcanoes",
    "umbrellas",
)


def built_in_prompts(count: int) -> list[str]:
    """Questions in plain English; they repeat after 128."""
    pairs = itertools.product(SUBJECTS, TASKS)
    questions = (task.format(subject) for subject, task in pairs)
    return list(itertools.islice(itertools.cycle(questions), count))


def random_prompts(
    count: int, length: int, token_ids: Sequence[int], seed: int | Sequence[int]
) -> list[list[int]]:
    """Prompts of exactly so many tokens, each drawn from `token_ids`.

    No two begin alike for long, so that a prefix cache has nothing to reuse.
    """
    choices = np.asarray(token_ids)
    picks = np.random.default_rng(seed).integers(0, len(choices), (count, length))
    prompts: list[list[int]] = choices[picks].tolist()
    return prompts
