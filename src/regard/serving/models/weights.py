"""Opens a model by path, hub id or name: configuration, tensors, tokenizer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from regard.serving import default_model
from regard.serving.errors import WeightsError
from regard.serving.models.config import (
    LLAMA_ARCHITECTURES,
    ModelConfig,
    llama_from_hf,
    llama_tensor_shapes,
)
from regard.serving.models.gguf_file import GGUFFile
from regard.serving.models.quantised import LoadedTensor
from regard.serving.models.safetensors_directory import read_json, read_tensors
from regard.serving.models.step3_config import Step3Config, step3_from_hf, step3_tensor_shapes
from regard.serving.tokenizer import Tokenizer

DEFAULT = "default"
STEP3_ARCHITECTURES = ("Step3TextForCausalLM", "Step3VLForConditionalGeneration")


@dataclass(frozen=True)
class OpenedModel:
    """What stands in a model's files."""

    name: str
    """Name to serve it under."""
    config: ModelConfig
    """The model in numbers."""
    tensors: Mapping[str, LoadedTensor]
    """Weights under their Hugging Face names."""
    tokenizer: Tokenizer
    """Its tokenizer."""


def open_model(model: str, *, load_format: str, seed: int) -> OpenedModel:
    """Open a directory, a GGUF file, a hub id, or the default model.

    Args:
        model: what to open.
        load_format: auto, safetensors, gguf, or dummy for random weights.
        seed: of the random weights.

    Raises:
        WeightsError: a file is missing, corrupt, misshapen or of an unsupported kind.
    """
    path = default_model.path() if model == DEFAULT else _local_path(model)
    name = (
        default_model.SMOLLM2.name
        if model == DEFAULT
        else path.stem
        if path.is_file()
        else path.name
    )
    is_gguf = path.is_file()
    if load_format in ("gguf", "safetensors") and is_gguf != (load_format == "gguf"):
        raise WeightsError(path, f"load format {load_format!r} does not fit what this is")
    opened = _open_gguf(path, name) if is_gguf else _open_directory(path, name, load_format)
    if load_format == "dummy":
        tensors = random_tensors(tensor_shapes(opened.config), seed=seed)
        return OpenedModel(name, opened.config, tensors, opened.tokenizer)
    check_tensors(opened.tensors, tensor_shapes(opened.config), path)
    return opened


def config_from_hf(data: Mapping[str, Any], path: Path) -> ModelConfig:
    """Read any supported config.json.

    Raises:
        WeightsError: an unsupported architecture or a missing key.
    """
    architectures = data.get("architectures") or []
    if any(name in STEP3_ARCHITECTURES for name in architectures):
        return step3_from_hf(data, path)
    if any(name in LLAMA_ARCHITECTURES for name in architectures):
        return llama_from_hf(data, path)
    known = ", ".join((*LLAMA_ARCHITECTURES, *STEP3_ARCHITECTURES))
    raise WeightsError(path, f"architectures {architectures} are not supported; known: {known}")


def tensor_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every tensor a model needs, with its shape."""
    if isinstance(config, Step3Config):
        return step3_tensor_shapes(config)
    return llama_tensor_shapes(config)


def check_tensors(
    tensors: Mapping[str, LoadedTensor], shapes: Mapping[str, tuple[int, ...]], path: Path
) -> None:
    """Compare tensors with what the configuration asks for.

    Raises:
        WeightsError: one is missing or misshapen.
    """
    missing = [name for name in shapes if name not in tensors]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise WeightsError(path, f"tensor {missing[0]}{more} missing")
    for name, shape in shapes.items():
        found = tuple(tensors[name].shape)
        if found != shape:
            raise WeightsError(path, f"tensor {name} is {found}; the configuration says {shape}")


def random_tensors(
    shapes: Mapping[str, tuple[int, ...]], *, seed: int, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """Random weights; each depends on the seed and its name alone, so any subset can be made."""
    return {name: _random_tensor(name, shape, seed, dtype) for name, shape in shapes.items()}


def _random_tensor(name: str, shape: tuple[int, ...], seed: int, dtype: torch.dtype) -> Tensor:
    if len(shape) == 1 and "norm" in name:
        return torch.ones(shape, dtype=dtype)
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return (torch.randn(shape, generator=generator) * 0.02).to(dtype)


def _local_path(model: str) -> Path:
    path = Path(model).expanduser()
    if path.exists():
        return path
    if model.count("/") == 1 and not model.startswith((".", "/", "~")):
        return _download(model)
    raise WeightsError(path, "no such file or directory, and not a hub id (owner/name)")


def _download(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(hub_id, allow_patterns=["*.safetensors", "*.json", "*.jinja"])
    except Exception as error:
        # The hub client raises many kinds, network errors among them.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(
            hub_id, f"not a local path, and the hub did not give it: {reason}"
        ) from error
    return Path(folder)


def _open_gguf(path: Path, name: str) -> OpenedModel:
    file = GGUFFile(path)
    config = file.config()
    tokenizer = Tokenizer.from_gguf(path, file.tokenizer_metadata())
    return OpenedModel(name, config, file.tensors(config), tokenizer)


def _open_directory(path: Path, name: str, load_format: str) -> OpenedModel:
    config = config_from_hf(read_json(path / "config.json"), path / "config.json")
    tensors = {} if load_format == "dummy" else read_tensors(path)
    return OpenedModel(name, config, tensors, Tokenizer.from_directory(path))
