import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.serving.image_embeddings import ImageEmbeddings


@given(st.sets(st.integers(0, 50)), st.integers(0, 60), st.integers(0, 60))
def test_any_span_gets_its_own(places: set[int], start: int, end: int):
    positions = sorted(places)
    values = torch.tensor(positions, dtype=torch.float32)[:, None]
    found, embeddings = ImageEmbeddings(positions, values).between(start, max(start, end))
    assert list(found) == [place for place in positions if start <= place < end]
    assert embeddings[:, 0].tolist() == list(found)
