"""The end of a step: logits and the next tokens, of several micro-batches at a time."""

import torch
from torch import Tensor


def padded(vocab_size: int) -> int:
    """Rows of logits must begin where 16 bytes do, or the matrix product takes 4 times as long."""
    return -(-vocab_size // 64) * 64


class Head:
    """Rows of all micro-batches stand together, so that one product takes those of several."""

    def __init__(self, count: int, batch: int, weight: Tensor, vocab_size: int) -> None:
        """Allocates rows.

        Args:
            count: Micro-batches.
            batch: Sequences of each.
            weight: (padded vocabulary, hidden) bfloat16.
            vocab_size: Tokens that there are.
        """
        self._weight, self._vocab_size = weight, vocab_size
        num_logits, hidden = weight.shape
        self.normed = weight.new_zeros(count, batch, hidden)
        """(micro-batches, batch, hidden): what the newest norm wrote."""
        self.tokens = torch.zeros(count, batch, dtype=torch.int64, device=weight.device)
        """(micro-batches, batch): the newest of each sequence."""
        self._logits = weight.new_zeros(count, batch, num_logits)

    def sample(self, indices: range) -> None:
        """The next tokens of these micro-batches (greedily), from their `normed`."""
        rows = slice(indices.start, indices.stop)
        logits = self._logits[rows].flatten(0, 1)
        torch.mm(self.normed[rows].flatten(0, 1), self._weight.T, out=logits)
        tokens = self.tokens[rows].flatten(0, 1)
        torch.argmax(logits[:, : self._vocab_size], dim=1, out=tokens)

    def shortfall(self) -> float:
        """How far the sampled tokens' logits lie below the largest, by float32 products.

        The worst of all micro-batches, as a share of the largest logit: 0 where every token is the
        best, about a rounding of bfloat16 where two are as good.
        """
        weight = self._weight[: self._vocab_size].float()
        worst = 0.0
        for normed, tokens in zip(self.normed, self.tokens, strict=True):
            logits = normed.float() @ weight.T
            best = logits.amax(dim=1)
            chosen = logits.gather(1, tokens[:, None])[:, 0]
            worst = max(worst, float(((best - chosen) / best.abs()).max()))
        return worst
