"""What one forward pass works on."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.image_embeddings import ImageEmbeddings
from regard.serving.models.lora import LoraAdapter
from regard.serving.scheduler import ScheduledBatch, ScheduledChunk


@dataclass(frozen=True)
class AdapterRows:
    """The rows that go through one LoRA adapter."""

    adapter: LoraAdapter
    """The adapter."""
    rows: Int[Tensor, " adapted"]
    """Indices into the batch's rows."""


@dataclass(frozen=True)
class ImageRows:
    """The rows that are embedded as parts of pictures instead of as tokens."""

    rows: Int[Tensor, " places"]
    """Indices into the batch's rows."""
    values: Float[Tensor, "places hidden"]
    """Their embeddings."""


@dataclass(frozen=True)
class ForwardBatch:
    """The pending tokens of all scheduled requests, one row each."""

    token_ids: Int[Tensor, " rows"]
    """The tokens."""
    positions: Int[Tensor, " rows"]
    """Their places in their sequences, from 0."""
    slots: Int[Tensor, " rows"]
    """Where their keys and values go: block * block_size + offset."""
    sequence: Int[Tensor, " rows"]
    """Each row's line in block_tables."""
    contexts: Int[Tensor, " rows"]
    """Tokens visible to each row, itself included."""
    block_tables: Int[Tensor, "sequences width"]
    """Block ids (int32), padded with 0."""
    sample_rows: Int[Tensor, " sampled"]
    """The rows whose logits are wanted: the last of each request that has nothing else pending."""
    num_decode_rows: int = 0
    """How many rows at the beginning are the only ones of their sequences."""
    adapters: Sequence[AdapterRows] = field(default=())
    """Rows that go through LoRA adapters."""
    images: Sequence[ImageRows] = field(default=())
    """Rows of pictures, for each request that has some in this step."""


def prepare(
    batch: ScheduledBatch,
    *,
    block_size: int,
    device: torch.device,
    loras: Mapping[str, LoraAdapter],
) -> ForwardBatch:
    """Lay the scheduled chunks out as rows."""
    tokens: list[int] = []
    positions: list[int] = []
    slots: list[int] = []
    sequence: list[int] = []
    sample_rows: list[int] = []
    adapted: dict[str, list[int]] = {}
    images: list[ImageRows] = []
    for line, chunk in enumerate(batch.chunks):
        request, first_row = chunk.request, len(tokens)
        table = request.block_table
        end = chunk.start + chunk.num_tokens
        tokens += request.tokens(chunk.start, end)
        span = range(chunk.start, end)
        positions += span
        slots += [table[p // block_size] * block_size + p % block_size for p in span]
        sequence += [line] * chunk.num_tokens
        if chunk.samples:
            sample_rows.append(len(tokens) - 1)
        if request.image_embeddings is not None:
            images += _image_rows(request.image_embeddings, chunk, first_row, device)
        if request.adapter is not None:
            adapted.setdefault(request.adapter, []).extend(range(first_row, len(tokens)))
    # One copy to the device for all of them.
    numbers = torch.tensor(tokens + positions + slots + sequence + sample_rows, dtype=torch.int64)
    sizes = [len(tokens)] * 4 + [len(sample_rows)]
    *rows, samples = torch.split(numbers.to(device), sizes)
    return ForwardBatch(
        token_ids=rows[0],
        positions=rows[1],
        slots=rows[2],
        sequence=rows[3],
        contexts=rows[1] + 1,
        block_tables=_block_tables(batch).to(device),
        sample_rows=samples,
        num_decode_rows=_num_decode_rows(batch),
        adapters=tuple(
            AdapterRows(loras[name], torch.tensor(lines, device=device))
            for name, lines in adapted.items()
        ),
        images=tuple(images),
    )


def _block_tables(batch: ScheduledBatch) -> Tensor:
    tables = [chunk.request.block_table for chunk in batch.chunks]
    width = max(map(len, tables))
    return torch.tensor([each + [0] * (width - len(each)) for each in tables], dtype=torch.int32)


def _num_decode_rows(batch: ScheduledBatch) -> int:
    alone = (chunk.num_tokens == 1 for chunk in batch.chunks)
    return sum(itertools.takewhile(bool, alone))


def _image_rows(
    embeddings: ImageEmbeddings, chunk: ScheduledChunk, first_row: int, device: torch.device
) -> list[ImageRows]:
    places, values = embeddings.between(chunk.start, chunk.start + chunk.num_tokens)
    if not places:
        return []
    rows = torch.tensor([first_row + place - chunk.start for place in places], device=device)
    return [ImageRows(rows, values)]
