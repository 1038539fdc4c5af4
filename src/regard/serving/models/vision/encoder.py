"""The vision transformer: pixels to one row a patch.

After Step-3's public inference code (vLLM and SGLang, `step3_vl.py`): the norms stand after the
sublayers, inside the residual, and no norm stands at the beginning or the end.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from regard.serving.models.decoder import Tensors, make_linear
from regard.serving.models.linear import Linear
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import dense
from regard.serving.models.vision.config import VisionConfig, layer_prefix

_QUICK_GELU = 1.702
_EMBEDDINGS = "vision_model.embeddings"


class VisionEncoder:
    """Class rows and patches through all layers; the class rows are dropped at the end."""

    def __init__(self, config: VisionConfig, tensors: Tensors, numerics: Numerics) -> None:
        self._config, self._dtype = config, numerics.activation_dtype
        self._embed = conv_as_linear(f"{_EMBEDDINGS}.patch_embedding", tensors, numerics)
        self._class = _parameter(tensors, f"{_EMBEDDINGS}.class_embedding", numerics)
        self._positions = _positions(config, tensors, numerics)
        self._layers = [
            EncoderLayer(config, tensors, layer_prefix(layer), numerics)
            for layer in range(config.num_layers)
        ]

    def __call__(
        self, pixels: Float[Tensor, "pictures 3 side side"]
    ) -> Float[Tensor, "pictures patches width"]:
        """One row for each patch, row by row of the picture."""
        rows = self._embeddings(pixels)
        for layer in self._layers:
            rows = layer(rows)
        return rows[:, self._config.num_class_rows :]

    def _embeddings(self, pixels: Tensor) -> Float[Tensor, "pictures rows width"]:
        size = self._config.patch_size
        pictures, grid = pixels.shape[0], pixels.shape[-1] // size
        # (pictures, channels * size * size, patches), the order of a convolution's weight.
        patches = F.unfold(pixels, kernel_size=size, stride=size).transpose(1, 2)
        embedded = over_rows(self._embed, patches.to(self._dtype))
        first, others = self._positions[grid]
        heads = (self._class + first).expand(pictures, self._config.num_class_rows, -1)
        return torch.cat((heads, embedded + others), dim=1)


class EncoderLayer:
    """x + norm(attention(x)), then x + norm(MLP(x))."""

    def __init__(
        self, config: VisionConfig, tensors: Tensors, prefix: str, numerics: Numerics
    ) -> None:
        self._num_heads = config.num_heads
        self._qkv = make_linear([f"{prefix}.self_attn.qkv_proj"], tensors, numerics)
        self._out = make_linear([f"{prefix}.self_attn.out_proj"], tensors, numerics)
        self._up = make_linear([f"{prefix}.mlp.fc1"], tensors, numerics)
        self._down = make_linear([f"{prefix}.mlp.fc2"], tensors, numerics)
        self._norms = [
            LayerNorm(tensors, f"{prefix}.layer_norm{number}", config.layer_norm_eps, numerics)
            for number in (1, 2)
        ]

    def __call__(
        self, x: Float[Tensor, "pictures rows width"]
    ) -> Float[Tensor, "pictures rows width"]:
        """Run the layer; every row sees all rows of its picture."""
        x = x + self._norms[0](over_rows(self._out, self._attend(x)))
        hidden = over_rows(self._up, x)
        hidden = hidden * torch.sigmoid(_QUICK_GELU * hidden)
        return x + self._norms[1](over_rows(self._down, hidden))

    def _attend(self, x: Tensor) -> Tensor:
        pictures, rows, width = x.shape
        qkv = over_rows(self._qkv, x).view(pictures, rows, 3, self._num_heads, -1)
        queries, keys, values = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(queries, keys, values)
        return mixed.transpose(1, 2).reshape(pictures, rows, width)


class LayerNorm:
    """Mean and variance over the last dimension, then weight and bias."""

    def __init__(self, tensors: Tensors, prefix: str, eps: float, numerics: Numerics) -> None:
        self._weight = _parameter(tensors, f"{prefix}.weight", numerics)
        self._bias = _parameter(tensors, f"{prefix}.bias", numerics)
        self._eps = eps

    def __call__(self, x: Float[Tensor, "*rows width"]) -> Float[Tensor, "*rows width"]:
        """Normalise each row."""
        return F.layer_norm(x, self._weight.shape, self._weight, self._bias, self._eps)


def conv_as_linear(name: str, tensors: Tensors, numerics: Numerics) -> Linear:
    """A convolution's weight and bias as a linear layer over unfolded pixels."""
    weight = dense(tensors[f"{name}.weight"]).flatten(1)
    flat = {f"{name}.weight": weight, f"{name}.bias": tensors[f"{name}.bias"]}
    return make_linear([name], flat, numerics)


def over_rows(linear: Linear, x: Float[Tensor, "*rows inner"]) -> Float[Tensor, "*rows outer"]:
    """Apply a layer that knows two dimensions to more."""
    return linear(x.reshape(-1, x.shape[-1])).view(*x.shape[:-1], -1)


def resize_positions(
    table: Float[Tensor, "patches width"], grid: int
) -> Float[Tensor, "new_patches width"]:
    """Position embeddings of a square of patches for a square of another size, in float32."""
    side = round(table.shape[0] ** 0.5)
    if side == grid:
        return table
    square = table.float().T.reshape(1, -1, side, side)
    resized = F.interpolate(square, size=(grid, grid), mode="bicubic", antialias=True)
    return resized[0].flatten(1).T


def _positions(
    config: VisionConfig, tensors: Tensors, numerics: Numerics
) -> dict[int, tuple[Tensor, Tensor]]:
    """Of both sides that the encoder sees: the class rows' embedding and the patches'."""
    table = dense(tensors[f"{_EMBEDDINGS}.position_embedding.weight"])
    grids = {side // config.patch_size for side in (config.image_size, config.crop_size)}
    return {
        grid: (_kept(table[:1], numerics), _kept(resize_positions(table[1:], grid), numerics))
        for grid in grids
    }


def _parameter(tensors: Tensors, name: str, numerics: Numerics) -> Tensor:
    return _kept(dense(tensors[name]), numerics)


def _kept(tensor: Tensor, numerics: Numerics) -> Tensor:
    # Copied: it may be a view of a mapped file, which could change or shrink.
    return tensor.to(numerics.device, numerics.activation_dtype, copy=True)
