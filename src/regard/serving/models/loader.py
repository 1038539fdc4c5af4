"""From options to a loaded model with room for its KV cache."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from regard.serving.config import EngineConfig
from regard.serving.errors import InvalidRequestError
from regard.serving.models.attention import LayerCache, allocate_cache
from regard.serving.models.build import build_decoder
from regard.serving.models.config import ModelConfig
from regard.serving.models.decoder import Model
from regard.serving.models.lora import LoraAdapter, load_lora
from regard.serving.models.memory import check_room, weight_bytes
from regard.serving.models.numerics import DTYPES, Numerics, choose_numerics
from regard.serving.models.quantised import LoadedTensor
from regard.serving.models.vision.picture_tokens import PictureTokens, find_picture_tokens
from regard.serving.models.vision.vision_model import VisionModel
from regard.serving.models.weights import open_model, tensor_shapes
from regard.serving.tokenizer import Tokenizer

CPU_KV_CACHE_GIB = 2.0
CPU_BLOCK_SIZE = 16
# What one program of the attention kernel reads at a time.
GPU_BLOCK_SIZE = 64


@dataclass(frozen=True)
class LoadedModel:
    """A model, its tokenizer, and how large a cache it gets."""

    name: str
    """Name under which it is served."""
    model: Model
    """The network."""
    tokenizer: Tokenizer
    """Text to tokens and back."""
    numerics: Numerics
    """Mode, device, types."""
    loras: Mapping[str, LoraAdapter]
    """Adapters by name."""
    max_model_len: int
    """Most tokens of prompt and output together."""
    num_blocks: int
    """KV blocks."""
    block_size: int
    """Tokens in a block."""
    cache_dtype: torch.dtype
    """Type of keys and values."""
    vision: VisionModel | None = None
    """Embeds pictures, where the model sees."""

    @property
    def picture_tokens(self) -> PictureTokens | None:
        """What stands for pictures in a prompt; None where the model takes text only."""
        return self.vision.tokens if self.vision is not None else None

    def allocate_caches(self) -> list[LayerCache]:
        """One cache a layer."""
        config = self.model.config
        return [
            allocate_cache(
                num_blocks=self.num_blocks,
                block_size=self.block_size,
                kv_heads=config.num_kv_heads,
                head_dim=config.head_dim,
                dtype=self.cache_dtype,
                device=self.numerics.device,
            )
            for _ in range(config.num_layers)
        ]


def load(config: EngineConfig) -> LoadedModel:
    """Load what the options name.

    Raises:
        WeightsError: a file is missing, corrupt or of another model.
        InvalidRequestError: options that contradict each other or the machine, or a model that is
            larger than its memory.
    """
    numerics = choose_numerics(config.mode, config.device, config.dtype)
    opened = open_model(
        config.model,
        load_format=config.load_format,
        seed=config.seed,
        device=numerics.device,
    )
    needed = weight_bytes(opened.tensors, tensor_shapes(opened.config), numerics)
    check_room(opened.name, needed, numerics.device)
    return build(
        config,
        name=config.served_model_name or opened.name,
        model_config=opened.config,
        tensors=opened.tensors,
        tokenizer=opened.tokenizer,
        numerics=numerics,
    )


def build(
    config: EngineConfig,
    *,
    name: str,
    model_config: ModelConfig,
    tensors: Mapping[str, LoadedTensor],
    tokenizer: Tokenizer,
    numerics: Numerics,
    model: Model | None = None,
) -> LoadedModel:
    """Put a model together from its parts, around layers that may be there already."""
    max_model_len = context_length(config, model_config)
    if model is None:
        model = build_decoder(model_config, tensors, numerics)
    cache_dtype = _cache_dtype(config, numerics)
    by_default = GPU_BLOCK_SIZE if numerics.uses_gpu_kernels else CPU_BLOCK_SIZE
    block_size = config.block_size or by_default
    loras = {name: load_lora(name, path, model_config) for name, path in config.loras}
    return LoadedModel(
        name=name,
        model=model,
        tokenizer=tokenizer,
        numerics=numerics,
        loras=loras,
        max_model_len=max_model_len,
        num_blocks=_num_blocks(config, model_config, numerics, cache_dtype, block_size),
        block_size=block_size,
        cache_dtype=cache_dtype,
        vision=_vision(config, model_config, tensors, tokenizer, numerics),
    )


def _vision(
    config: EngineConfig,
    model_config: ModelConfig,
    tensors: Mapping[str, LoadedTensor],
    tokenizer: Tokenizer,
    numerics: Numerics,
) -> VisionModel | None:
    tokens = find_picture_tokens(model_config, tokenizer, config.model)
    if tokens is None:
        return None
    cache_bytes = int(config.image_cache_mib * 2**20)
    return VisionModel(tokens, tensors, numerics, cache_bytes=cache_bytes)


def context_length(config: EngineConfig, model_config: ModelConfig) -> int:
    """Most tokens of prompt and output together; refuses more than the model was trained for."""
    trained = model_config.max_position_embeddings
    wanted = trained if config.max_model_len is None else config.max_model_len
    if not 1 <= wanted <= trained:
        raise InvalidRequestError(
            f"max_model_len {wanted} is outside 1 to {trained}, the model's own limit",
            param="max_model_len",
        )
    return wanted


def _cache_dtype(config: EngineConfig, numerics: Numerics) -> torch.dtype:
    if config.kv_cache_dtype == "auto" or numerics.is_exact:
        return numerics.activation_dtype
    if config.kv_cache_dtype not in DTYPES:
        raise InvalidRequestError(
            f"kv_cache_dtype {config.kv_cache_dtype!r} is not supported; known: "
            f"{', '.join(['auto', *DTYPES])}",
            param="kv_cache_dtype",
        )
    return DTYPES[config.kv_cache_dtype]


def _num_blocks(
    config: EngineConfig,
    model_config: ModelConfig,
    numerics: Numerics,
    dtype: torch.dtype,
    block_size: int,
) -> int:
    per_token = 2 * model_config.num_layers * model_config.num_kv_heads * model_config.head_dim
    block_bytes = per_token * dtype.itemsize * block_size
    if config.kv_cache_memory_gib is not None:
        budget = config.kv_cache_memory_gib * 2**30
    elif numerics.device.type == "cuda":
        free, total = torch.cuda.mem_get_info(numerics.device)
        budget = config.gpu_memory_utilization * total - (total - free)
    else:
        budget = CPU_KV_CACHE_GIB * 2**30
    num_blocks = int(budget // block_bytes)
    if num_blocks < 1:
        raise InvalidRequestError(
            f"no room for a KV cache: {budget / 2**20:.0f} MiB are left and one block of "
            f"{block_size} tokens takes {block_bytes / 2**20:.2f} MiB",
            param="kv_cache_memory_gib",
        )
    return num_blocks
