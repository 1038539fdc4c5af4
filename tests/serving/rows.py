"""Forward batches made by hand."""

import torch

from regard.serving.models.forward_batch import ForwardBatch


def one_sequence(tokens: list[int], *, block_size: int, start: int = 0) -> ForwardBatch:
    """All tokens of one sequence in one pass; blocks 0, 1, ... hold it."""
    positions = torch.arange(start, start + len(tokens))
    width = -(-(start + len(tokens)) // block_size)
    return ForwardBatch(
        token_ids=torch.tensor(tokens),
        positions=positions,
        slots=positions.clone(),
        sequence=torch.zeros(len(tokens), dtype=torch.int64),
        contexts=positions + 1,
        block_tables=torch.arange(width, dtype=torch.int32)[None],
        sample_rows=torch.tensor([len(tokens) - 1]),
    )
