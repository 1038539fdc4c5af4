"""Step-3's vision side in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regard.serving.errors import WeightsError


@dataclass(frozen=True, kw_only=True)
class VisionConfig:
    """Encoder, projector and cutting of pictures.

    Defaults are those of the public inference code; the released model's own configuration was not
    read, and what is known of it from memory says so.
    """

    hidden_size: int = 1792
    """Width of the encoder."""
    intermediate_size: int = 15360
    """Width of its MLP: from memory; the public code's default is 3072, which is too few parameters
    for the 5 billion that the paper counts."""
    num_layers: int = 63
    """Layers of the encoder."""
    num_heads: int = 16
    """Attention heads of the encoder."""
    patch_size: int = 14
    """Side in pixels of the square that becomes one row of the encoder."""
    image_size: int = 728
    """Side in pixels to which a whole picture is resized."""
    crop_size: int = 504
    """Side in pixels to which a crop is resized."""
    max_side: int = 3024
    """Longest side in pixels; larger pictures are shrunk first."""
    layer_norm_eps: float = 1e-5
    """Added to the variance. vLLM takes it from the configuration, SGLang writes 1e-6."""
    num_class_rows: int = 4
    """Rows of the class token; their outputs are dropped."""
    output_hidden_size: int = 4096
    """Channels after the first convolution of the projector; the second doubles them."""
    projector_stride: int = 2
    """Stride of the first convolution: from memory; the public code's default is 1, which does not
    give its own 169 tokens."""
    projector_bias: bool = True
    """Whether the last linear layer has a bias."""
    text_hidden_size: int
    """Width of the language model."""
    image_token_id: int | None = None
    """The placeholder's id, where the configuration has it; the tokenizer's must be the same."""

    @property
    def num_image_tokens(self) -> int:
        """Tokens of a whole picture: 169 in the released model."""
        return self._num_tokens(self.image_size)

    @property
    def num_crop_tokens(self) -> int:
        """Tokens of a crop: 81 in the released model."""
        return self._num_tokens(self.crop_size)

    def _num_tokens(self, side: int) -> int:
        grid = side // self.patch_size
        # A 2x2 convolution without padding, then a 3x3 one of stride 2 with padding 1.
        grid = (grid - 2) // self.projector_stride + 1
        return ((grid - 1) // 2 + 1) ** 2


def vision_from_hf(
    data: Mapping[str, Any], path: Path, *, text_hidden_size: int
) -> VisionConfig | None:
    """Read what a config.json says of vision; None where it has no `vision_config`.

    Besides the official keys, `vision_config` may hold `crop_size` and `max_side`.

    Raises:
        WeightsError: it asks for what is not supported.
    """
    vision = data.get("vision_config")
    if vision is None:
        return None
    fixed = {"hidden_act": "quick_gelu", "num_channels": 3}
    for key, supported in fixed.items():
        if vision.get(key, supported) != supported:
            raise WeightsError(
                path, f"vision_config has {key} {vision[key]!r}; supported: {supported!r}"
            )
    names = {"num_layers": "num_hidden_layers", "num_heads": "num_attention_heads"}
    same = (
        "hidden_size", "intermediate_size", "patch_size", "image_size", "crop_size", "max_side",
        "layer_norm_eps", "output_hidden_size",
    )  # fmt: skip
    names |= {name: name for name in same}
    sizes = {name: vision[key] for name, key in names.items() if key in vision}
    outer = {
        "projector_stride": "understand_projector_stride",
        "projector_bias": "projector_bias",
        "image_token_id": "image_token_id",
    }
    sizes |= {name: data[key] for name, key in outer.items() if key in data}
    config = VisionConfig(**sizes, text_hidden_size=text_hidden_size)
    _check(config, path)
    return config


def _check(config: VisionConfig, path: Path) -> None:
    if config.hidden_size % config.num_heads:
        raise WeightsError(
            path,
            f"vision_config has {config.num_heads} heads, which do not divide {config.hidden_size}",
        )
    for name in ("image_size", "crop_size"):
        side = getattr(config, name)
        if side % config.patch_size or side < 2 * config.patch_size:
            raise WeightsError(
                path,
                f"vision_config has {name} {side}, which is not two or more patches of "
                f"{config.patch_size}",
            )


def vision_tensor_shapes(config: VisionConfig) -> dict[str, tuple[int, ...]]:
    """Every tensor of the vision side with its shape, under the official checkpoint's names."""
    width, inner, patch = config.hidden_size, config.intermediate_size, config.patch_size
    channels = config.output_hidden_size
    grid = config.image_size // patch
    embeddings = "vision_model.embeddings"
    shapes: dict[str, tuple[int, ...]] = {
        f"{embeddings}.class_embedding": (1, width),
        f"{embeddings}.position_embedding.weight": (grid * grid + 1, width),
        **_with_bias(f"{embeddings}.patch_embedding", (width, 3, patch, patch)),
        **_with_bias("vit_downsampler", (channels, width, 2, 2)),
        **_with_bias("vit_downsampler2", (2 * channels, channels, 3, 3)),
        "vit_large_projector.weight": (config.text_hidden_size, 2 * channels),
    }
    if config.projector_bias:
        shapes["vit_large_projector.bias"] = (config.text_hidden_size,)
    for layer in range(config.num_layers):
        prefix = layer_prefix(layer)
        shapes |= {
            **_with_bias(f"{prefix}.self_attn.qkv_proj", (3 * width, width)),
            **_with_bias(f"{prefix}.self_attn.out_proj", (width, width)),
            **_with_bias(f"{prefix}.layer_norm1", (width,)),
            **_with_bias(f"{prefix}.layer_norm2", (width,)),
            **_with_bias(f"{prefix}.mlp.fc1", (inner, width)),
            **_with_bias(f"{prefix}.mlp.fc2", (width, inner)),
        }
    return shapes


def layer_prefix(layer: int) -> str:
    """Where an encoder layer's tensors stand."""
    return f"vision_model.transformer.layers.{layer}"


def _with_bias(name: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
