"""A cell of the factorial design becomes the prompt that is sent."""

from __future__ import annotations

from collections.abc import Mapping

from regard.tradeoffs.design import BASE_POINTS, Cell
from regard.tradeoffs.prompts.catalogue import texts
from regard.tradeoffs.states import COMPREHENSION, QUESTIONS, VERBAL_STEPS

WEAKER_INTENSITY = 2.0
"""What the other option brings in the question which intensity is larger."""


def render(cell: Cell) -> str:
    """The prompt of a cell."""
    first, second = cell.labels.split("/")
    best_label = first if cell.order == "max-first" else second
    lines = {label: _option(cell, label, is_best=label == best_label) for label in (first, second)}
    wording = texts("wordings")[cell.wording]
    closing = wording["closing"]
    if cell.state in COMPREHENSION:
        closing = texts("questions")[cell.state]["closing"]
    names = {"first": first, "second": second, **_thing(cell.state)}
    paragraphs = [
        texts("contexts")[cell.context]["before"],
        wording["opening"],
        f"{lines[first]}\n{lines[second]}",
        closing.format(**names),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def right_label(cell: Cell) -> str:
    """The label that counts as `n_max`: the option with the most points, or the right answer."""
    first, second = cell.labels.split("/")
    best, other = (first, second) if cell.order == "max-first" else (second, first)
    asks_for_sentence = cell.state in ("ask-state", "ask-intensity")
    return other if asks_for_sentence and not _larger_on_best(cell) else best


def verbal_steps(state: str, scale: str) -> list[str]:
    """The words of a verbal scale as the prompt lists them, weakest first."""
    steps = texts("sentences")["steps"]
    last = steps["last"]
    words = [*steps["common"], last.get(state, last["other"])]
    assert len(words) == VERBAL_STEPS
    return [words[place] for place in steps["shuffled"]] if scale == "shuffled" else words


def _option(cell: Cell, label: str, *, is_best: bool) -> str:
    wording = texts("wordings")[cell.wording]
    points = BASE_POINTS + cell.gap * is_best
    line = wording["option"].format(label=label, points=f"{points:g}")
    side, _, place = cell.clause.partition("-")
    if side == "none" or side not in ("both", "best" if is_best else "second"):
        return str(line)
    sentence = _sentence(cell, label, is_best=is_best)
    return f"{sentence} {line}" if place == "before" else f"{line} {sentence}"


def _sentence(cell: Cell, label: str, *, is_best: bool) -> str:
    wording = texts("wordings")[cell.wording]
    template = wording[cell.state if cell.state in ("past", "denied") else "brings"]
    intensity = cell.intensity
    if cell.state == "ask-intensity" and is_best is not _larger_on_best(cell):
        intensity = WEAKER_INTENSITY
    sentence = template.format(
        label=label,
        who=texts("sentences")["who"][cell.addressee],
        degree=_degree(cell, intensity),
        **_thing(cell.state),
    )
    return str(sentence)


def _larger_on_best(cell: Cell) -> bool:
    """Whether the answer to a question about a sentence is the option with more points."""
    if cell.state == "ask-state":
        return cell.clause.startswith("best")
    return list(texts("wordings")).index(cell.wording) % 2 == 0


def _degree(cell: Cell, intensity: float) -> str:
    template = texts("sentences")["degrees"]
    if cell.scale == "numeric":
        return str(template["numeric"].format(level=f"{intensity:g}", **_thing(cell.state)))
    steps = verbal_steps(_thing_name(cell.state), cell.scale)
    return str(template["verbal"].format(word=steps[int(intensity) - 1], steps=", ".join(steps)))


def _thing(state: str) -> Mapping[str, str]:
    things: Mapping[str, Mapping[str, str]] = texts("sentences")["things"]
    return things[_thing_name(state)]


def _thing_name(state: str) -> str:
    """What the sentence is about: pain too where it is denied, past, on both or asked about."""
    return "pain" if state in ("none", "both", "past", "denied", *QUESTIONS) else state
