"""From the encoder's rows to embeddings of the language model, a sixteenth as many."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from regard.serving.models.decoder import Tensors, make_linear
from regard.serving.models.linear import Linear
from regard.serving.models.numerics import Numerics
from regard.serving.models.vision.config import VisionConfig
from regard.serving.models.vision.encoder import conv_as_linear, over_rows


class Projector:
    """Two convolutions over the square of patches, then a linear layer."""

    def __init__(self, config: VisionConfig, tensors: Tensors, numerics: Numerics) -> None:
        self._first = conv_as_linear("vit_downsampler", tensors, numerics)
        self._second = conv_as_linear("vit_downsampler2", tensors, numerics)
        self._linear = make_linear(["vit_large_projector"], tensors, numerics)
        self._stride = config.projector_stride

    def __call__(
        self, rows: Float[Tensor, "pictures patches width"]
    ) -> Float[Tensor, "pictures tokens text_width"]:
        """The embeddings of each picture."""
        rows = _convolve(self._first, rows, kernel=2, stride=self._stride, padding=0)
        rows = _convolve(self._second, rows, kernel=3, stride=2, padding=1)
        return over_rows(self._linear, rows)


def _convolve(
    linear: Linear,
    rows: Float[Tensor, "pictures patches channels"],
    *,
    kernel: int,
    stride: int,
    padding: int,
) -> Float[Tensor, "pictures places out_channels"]:
    side = round(rows.shape[1] ** 0.5)
    square = rows.transpose(1, 2).reshape(rows.shape[0], -1, side, side)
    unfolded = F.unfold(square, kernel_size=kernel, stride=stride, padding=padding)
    return over_rows(linear, unfolded.transpose(1, 2))
