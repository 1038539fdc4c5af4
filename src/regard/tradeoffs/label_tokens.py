"""What the log-probabilities of an answer's first token say about the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, kw_only=True)
class LabelReading:
    """Probabilities of the labels at one token."""

    shares: Mapping[str, float]
    """By label: its part of the labels' mass; alike where there is none."""
    mass: float
    """Probability that the token is a label, 0 to 1."""
    split_mass: float
    """Probability that it is only the beginning of one, so that labels are more than a token."""


def read_labels(tokens: Sequence[tuple[str, float]], labels: Sequence[str]) -> LabelReading:
    """Reads the labels off the most likely tokens.

    White space before a token belongs to the tokenizer and not to the label, so " K" is K. Word
    labels may begin with a capital; letters are taken as listed.

    Args:
        tokens: Texts and log-probabilities (natural logarithm) of the candidates for one place.
        labels: As the prompt lists them.
    """
    masses = dict.fromkeys(labels, 0.0)
    split = 0.0
    for text, logprob in tokens:
        stripped = text.strip()
        label = _label_of(stripped, labels)
        if label is not None:
            masses[label] += exp(logprob)
        elif stripped and _begins_one(stripped, labels):
            split += exp(logprob)
    # Rounded log-probabilities may add up to a little over 1.
    total = min(sum(masses.values()), 1.0)
    spread = sum(masses.values())
    shares = {
        label: mass / spread if spread > 0 else 1 / len(labels) for label, mass in masses.items()
    }
    return LabelReading(shares=shares, mass=total, split_mass=min(split, 1.0))


def _label_of(text: str, labels: Sequence[str]) -> str | None:
    if text in labels:
        return text
    words = [label for label in labels if len(label) > 1]
    return next((label for label in words if label.lower() == text.lower()), None)


def _begins_one(text: str, labels: Sequence[str]) -> bool:
    return any(
        len(text) < len(label) and label.lower().startswith(text.lower()) for label in labels
    )
