import pytest
import torch

from benchmarks.serving.slice.head import Head, padded

COUNT, BATCH, HIDDEN, VOCABULARY = 3, 4, 16, 70


def test_several_micro_batches_sample_what_each_would_alone():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(padded(VOCABULARY), HIDDEN, generator=generator).bfloat16()
    # What stands beyond the vocabulary would win, were it not left out.
    weight[VOCABULARY:] = weight[:1] * 50
    head = Head(COUNT, BATCH, weight, VOCABULARY)
    head.normed.copy_(torch.randn(COUNT, BATCH, HIDDEN, generator=generator))
    head.tokens.fill_(-1)
    head.sample(range(1, COUNT))
    assert (head.tokens[0] == -1).all()
    logits = head.normed.float() @ weight[:VOCABULARY].float().T
    assert torch.equal(head.tokens[1:], logits[1:].argmax(dim=2))
    head.sample(range(1))
    assert torch.equal(head.tokens[0], logits[0].argmax(dim=1))
    assert head.shortfall() < 2**-7
    # A second best in the last micro-batch is seen.
    head.tokens[-1, -1] = logits[-1, -1].topk(2).indices[1]
    best, second = logits[-1, -1].topk(2).values
    assert head.shortfall() == pytest.approx(float((best - second) / best), rel=1e-3)
    assert head.shortfall() > 2**-7
