"""What attention holds of one layer, in the slice and in the whole run."""

from dataclasses import dataclass

from torch import Tensor

from regard.serving.kernels.block_scaled.launch import Weight


@dataclass(frozen=True)
class AttentionLayer:
    """Attention's part of one layer."""

    qkv: Weight
    """Query down, key, value: (low rank + 2 dim, hidden)."""
    query: Weight
    """(heads * dim, low rank)."""
    out: Weight
    """(hidden, heads * dim)."""
    input_norm: Tensor
    """(hidden,)."""
    inner_norm: Tensor
    """(low rank,)."""
    post_norm: Tensor
    """(hidden,)."""
    router: Tensor
    """(experts, hidden) bfloat16."""
