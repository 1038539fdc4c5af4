import torch

from regard.serving.models.forward_batch import prepare
from regard.serving.models.lora import LoraAdapter
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams
from regard.serving.scheduler import ScheduledBatch, ScheduledChunk


def test_chunks_become_rows():
    decoding = Request("a", [1, 2, 3], SamplingParams(), 0.0, output_token_ids=[9])
    decoding.block_table, decoding.num_computed_tokens = [7, 2], 3
    prompt = Request("b", [4, 5, 6, 7, 8], SamplingParams(), 0.0, adapter="x")
    prompt.block_table, prompt.num_computed_tokens = [5, 0, 1], 1
    chunks = (ScheduledChunk(decoding, 3, 1), ScheduledChunk(prompt, 1, 3))
    adapter = LoraAdapter("x", 1.0, {})
    batch = prepare(
        ScheduledBatch(chunks, ()), block_size=2, device=torch.device("cpu"), loras={"x": adapter}
    )
    assert batch.token_ids.tolist() == [9, 5, 6, 7]
    assert batch.positions.tolist() == [3, 1, 2, 3]
    # Position 3 in blocks [7, 2] of 2 is the second place of block 2.
    assert batch.slots.tolist() == [5, 11, 0, 1]
    assert batch.sequence.tolist() == [0, 1, 1, 1]
    assert batch.contexts.tolist() == [4, 2, 3, 4]
    assert batch.block_tables.tolist() == [[7, 2, 0], [5, 0, 1]]
    # The prompt has a token left, so only the decoding request is sampled.
    assert batch.sample_rows.tolist() == [0]
    assert [(rows.adapter.name, rows.rows.tolist()) for rows in batch.adapters] == [
        ("x", [1, 2, 3])
    ]
