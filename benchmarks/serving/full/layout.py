"""Who holds what: experts whole on one FFN GPU, everything else cut where scale blocks end."""

from dataclasses import dataclass

from benchmarks.serving.full.config import FullConfig

BLOCK = 128
"""Columns and rows that share a scale."""


def owned_experts(num_experts: int, num_ffn: int, index: int) -> range:
    """Experts of one FFN GPU: index, index + num_ffn, ..."""
    return range(index, num_experts, num_ffn)


def owned_blocks(width: int, num_ffn: int, index: int) -> range:
    """Blocks of 128 columns of a width that one FFN GPU holds; the first ones hold one more."""
    count, more = divmod(width // BLOCK, num_ffn)
    begin = index * count + min(index, more)
    return range(begin, begin + count + (index < more))


@dataclass(frozen=True)
class Share:
    """What one FFN GPU holds of every layer."""

    experts: range
    """Routed experts."""
    shared: range
    """Blocks of the shared expert."""
    dense: range
    """Blocks of a dense layer."""

    @staticmethod
    def of(config: FullConfig, index: int) -> "Share":
        """That of one GPU."""
        model, count = config.model, config.num_ffn
        return Share(
            owned_experts(model.num_experts, count, index),
            owned_blocks(model.share_expert_size, count, index),
            owned_blocks(model.intermediate_size, count, index),
        )

    @property
    def shared_width(self) -> int:
        """Columns of the shared expert."""
        return len(self.shared) * BLOCK

    @property
    def dense_width(self) -> int:
        """Columns of a dense layer."""
        return len(self.dense) * BLOCK


def chunk_number(config: FullConfig, attention: int, microbatch: int, chunk: int) -> int:
    """A number for each part of all micro-batches of all GPUs.

    The same sequences have the same numbers in every topology with as many parts.
    """
    part = microbatch * config.num_attention + attention
    return part * config.num_chunks + chunk
