import torch

from regard.serving.image_embeddings import ImageEmbeddings
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


def test_rows_of_pictures_are_found_by_their_places_in_the_prompt():
    text = Request("a", [1, 2], SamplingParams(), 0.0)
    text.block_table = [0]
    seeing = Request("b", [0] * 8, SamplingParams(), 0.0)
    seeing.block_table = [1, 2, 3, 4]
    places = [1, 2, 5, 7]
    seeing.image_embeddings = ImageEmbeddings(places, torch.tensor(places).float()[:, None])

    def rows(start: int, num_tokens: int) -> list[tuple[list[int], list[float]]]:
        chunks = (ScheduledChunk(text, 0, 2), ScheduledChunk(seeing, start, num_tokens))
        batch = prepare(
            ScheduledBatch(chunks, ()), block_size=2, device=torch.device("cpu"), loras={}
        )
        return [(each.rows.tolist(), each.values[:, 0].tolist()) for each in batch.images]

    # The first two rows are the other request's.
    assert rows(0, 8) == [([3, 4, 7, 9], [1, 2, 5, 7])]
    assert rows(2, 4) == [([2, 5], [2, 5])]
    assert rows(3, 2) == []
