"""Holds the slice to a float32 run, 4 layers by 8 steps, before anything is timed."""

from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.serving.slice.config import MODEL, SliceConfig
from benchmarks.serving.slice.influence import compare_tokens
from benchmarks.serving.slice.reference import NUM_CHECKED, Reference
from benchmarks.serving.slice.step import SliceStep
from regard.serving.kernels.block_scaled.launch import Rows

NUM_LAYERS, NUM_STEPS = 4, 8
TOLERANCE = 2e-2
BRANCH_TOLERANCE = 6e-2
HEAD_TOLERANCE = 2**-6
"""Twice the roundings of two logits to bfloat16."""
BASELINE_BRANCH_TOLERANCE = 0.1
"""FlashAttention-3 weighs values in e4m3."""


def check(config: SliceConfig, attention: torch.device, ffn: torch.device) -> str:
    """Compares hidden states; returns a line for the notes.

    Raises:
        SystemExit: An error is too large, or sampled tokens do not depend on the FFN GPU; without
            this check no row is written.
    """
    short = replace(config, num_layers=NUM_LAYERS)
    step = SliceStep(short, attention, ffn)
    reference = Reference(step, 0)
    worst = worst_branch = worst_head = 0.0
    sampled: list[Tensor] = []
    for number in range(NUM_STEPS):
        each = step.attention.microbatches[0]
        tokens = each.tokens.clone()
        kept: list[tuple[Tensor, Tensor, Rows]] = []
        hidden = _run_watched(step, kept)
        sampled.append(each.tokens.clone())
        worst_head = max(worst_head, step.attention.head.shortfall())
        expected, embedded = reference.hidden(tokens, kept)
        difference = (hidden - expected).norm()
        error = float(difference / expected.norm())
        branch = float(difference / (expected - embedded).norm())
        worst, worst_branch = max(worst, error), max(worst_branch, branch)
        print(
            f"check: step {number}: error {error:.4f} of the hidden states, "
            f"{branch:.4f} of what was added"
        )
    step.check_capacity()
    allowed = BASELINE_BRANCH_TOLERANCE if config.baseline else BRANCH_TOLERANCE
    if not (worst <= TOLERANCE and worst_branch <= allowed):
        raise SystemExit(
            f"the slice is wrong: {worst:.4f} (at most {TOLERANCE}), added {worst_branch:.4f} "
            f"(at most {allowed})"
        )
    if not worst_head <= HEAD_TOLERANCE:
        raise SystemExit(f"a sampled token's logit is {worst_head:.4f} below the largest")
    del step, reference, each
    torch.cuda.empty_cache()
    return (
        f"hidden states within {worst:.4f} of a float32 run "
        f"({worst_branch:.4f} of what the layers add), "
        f"{NUM_LAYERS} layers x {NUM_STEPS} steps, {NUM_CHECKED} sequences of the first of "
        f"{short.num_microbatches} micro-batches of {short.batch}; all sampled tokens are the best "
        f"within {worst_head:.4f}; "
        f"{compare_tokens(sampled[0], _sample_without_ffn(short, attention, ffn))}"
    )


def _run_watched(step: SliceStep, kept: list[tuple[Tensor, Tensor, Rows]]) -> Tensor:
    """One step without a graph; keeps what the FFN GPU held, returns the last residual."""

    def watch(name: str, layer: int, index: int) -> None:
        if name == "ffn" and index == 0:
            inbox = step.ffn.inboxes[0]
            rows = Rows(inbox.rows.values.clone(), inbox.rows.scales.clone())
            kept.append((inbox.chosen.clone(), inbox.shares.clone(), rows))

    step.run_eagerly(watch)
    step.synchronize()
    assert len(kept) == step.config.num_layers <= MODEL.num_layers
    return step.attention.microbatches[0].residual[:NUM_CHECKED].clone()


def _sample_without_ffn(short: SliceConfig, attention: torch.device, ffn: torch.device) -> Tensor:
    """The first step's tokens where the attention GPU adds nothing of what the FFN GPU returns."""
    step = SliceStep(replace(short, returned=False), attention, ffn)
    step.run()
    step.synchronize()
    return step.attention.microbatches[0].tokens.clone()
