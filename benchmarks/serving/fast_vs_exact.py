"""How often fast mode's greedy answer leaves exact mode's, and how near a tie it does so at."""

import argparse
import sys
from collections.abc import Sequence

from regard.common.rows import Measurement, write_rows
from regard.common.statistics import wilson_interval
from regard.serving.llm import LLM, Completion
from regard.serving.sampling_params import SamplingParams

NEAR_TIE = 0.05
"""Largest gap of the top two logits at which a first divergence is one of rounding."""
TOPICS = (
    "the sea,a clock,winter,bread,a small town,mathematics,birds,an old letter,the moon,music,"
    "a broken chair,physics,a long walk,the kitchen,rain,a promise,trains,a garden,sleep,history"
)
OPENINGS = (
    "Write a short poem about {}.|Explain {} to a child.|Once upon a time there was {}, and|"
    "List five facts about {}:|Dear friend, yesterday I thought about {} and|"
    "def describe():\n    # returns a sentence about {}\n|What is the meaning of {}?|"
    "The most surprising thing about {} is|Translate to French: I like {}.|"
    "Question: is {} important? Answer:"
)


def prompts(count: int) -> list[str]:
    """Up to 200 different prompts."""
    pairs = [(opening, topic) for opening in OPENINGS.split("|") for topic in TOPICS.split(",")]
    return [opening.format(topic) for opening, topic in pairs][:count]


def answers(mode: str, count: int, num_tokens: int) -> list[Completion]:
    """Greedy answers with the top two log-probabilities of each token."""
    params = SamplingParams(temperature=0.0, max_tokens=num_tokens, ignore_eos=True, logprobs=2)
    return LLM(mode=mode).generate(prompts(count), params)


def divergence_gap(exact: Completion, fast: Completion) -> float | None:
    """The gap of exact mode's top two logits where the answers first differ, if they do."""
    assert exact.logprobs is not None
    for ours, theirs, logprobs in zip(fast.token_ids, exact.token_ids, exact.logprobs, strict=True):
        if ours != theirs:
            return logprobs.top[0][1] - logprobs.top[1][1]
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write rows where asked; status 1 if a divergence is no near-tie."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--num-tokens", type=int, default=64)
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    options = parser.parse_args(argv)
    exact, fast = (answers(m, options.prompts, options.num_tokens) for m in ("exact", "fast"))
    found = [divergence_gap(e, f) for e, f in zip(exact, fast, strict=True)]
    gaps = [gap for gap in found if gap is not None]
    rate = wilson_interval(len(gaps), len(found))
    largest = max(gaps, default=0.0)
    shape = f"{options.prompts} prompts, {options.num_tokens} greedy tokens each, default model"
    rows = [
        Measurement(
            metric="serving.fast_divergence_rate",
            value=rate.value,
            unit="1",
            n=len(found),
            low=rate.low,
            high=rate.high,
            notes=f"share of answers that differ anywhere from exact mode's; {shape}; Wilson 95 %",
        ),
        Measurement(
            metric="serving.fast_divergence_largest_gap",
            value=largest,
            unit="logits",
            n=max(1, len(gaps)),
            notes=f"exact mode's top-2 gap at the first difference, largest of {len(gaps)}; bound "
            f"{NEAR_TIE}; {shape}",
        ),
    ]
    for row in rows:
        print(f"{row.metric} {row.value:.4f} {row.notes}")
    if options.write:
        command = (
            f"python -m benchmarks.serving.fast_vs_exact --prompts {options.prompts} "
            f"--num-tokens {options.num_tokens} --write"
        )
        write_rows("serving_cpu", rows, command=command, seed=None)
    return 0 if largest < NEAR_TIE else 1


if __name__ == "__main__":
    sys.exit(main())
