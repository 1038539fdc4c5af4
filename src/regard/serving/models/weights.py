"""Opens a model by path, hub id or name: configuration, tensors, tokenizer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from regard.serving import default_model
from regard.serving.byte_tokenizer import byte_tokenizer
from regard.serving.errors import WeightsError
from regard.serving.models.block_fp8 import fp8_block
from regard.serving.models.config import (
    LLAMA_ARCHITECTURES,
    ModelConfig,
    llama_from_hf,
    llama_tensor_shapes,
)
from regard.serving.models.gguf_file import GGUFFile
from regard.serving.models.lazy_tensors import TensorHeader
from regard.serving.models.presets import PRESETS, SPECIAL_TOKENS, WEIGHT_DTYPE
from regard.serving.models.quantised import LoadedTensor
from regard.serving.models.random_tensors import RandomTensors
from regard.serving.models.safetensors_directory import SafetensorsDirectory, read_json
from regard.serving.models.step3_config import Step3Config, step3_from_hf, step3_tensor_shapes
from regard.serving.tokenizer import Tokenizer

logger = logging.getLogger(__name__)
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
    """Weights under their Hugging Face names, read when asked for."""
    tokenizer: Tokenizer
    """Its tokenizer."""


def open_model(
    model: str, *, load_format: str, seed: int, device: torch.device | None = None
) -> OpenedModel:
    """Open a directory, a GGUF file, a hub id, a preset, or the default model.

    Args:
        model: what to open.
        load_format: auto, safetensors, gguf, or dummy for random weights; a preset has no others.
        seed: of the random weights.
        device: where random weights are drawn; by default the CPU.

    Raises:
        WeightsError: a file is missing, corrupt, misshapen or of an unsupported kind.
    """
    if model in PRESETS:
        return _open_preset(model, load_format, seed, device)
    path = default_model.path() if model == DEFAULT else _local_path(model)
    is_gguf = path.is_file()
    if load_format in ("gguf", "safetensors") and is_gguf != (load_format == "gguf"):
        raise WeightsError(path, f"load format {load_format!r} does not fit what this is")
    name = path.stem if is_gguf else path.name
    if model == DEFAULT:
        name = default_model.SMOLLM2.name
    is_dummy = load_format == "dummy"
    opened = _open_gguf(path, name) if is_gguf else _open_directory(path, name, is_dummy=is_dummy)
    if is_dummy:
        return replace(
            opened, tensors=random_tensors(tensor_shapes(opened.config), seed=seed, device=device)
        )
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
    headers: Mapping[str, TensorHeader], shapes: Mapping[str, tuple[int, ...]], path: Path
) -> None:
    """Compare what the headers say with what the configuration asks for; reads no data.

    Raises:
        WeightsError: a tensor is missing or misshapen.
    """
    missing = [name for name in shapes if name not in headers]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise WeightsError(path, f"tensor {missing[0]}{more} missing")
    for name, shape in shapes.items():
        header = headers[name]
        if header.shape != shape:
            raise WeightsError(
                header.file,
                f"tensor {name} is {header.shape}; the configuration says {shape}",
            )


def random_tensors(
    shapes: Mapping[str, tuple[int, ...]], *, seed: int, device: torch.device | None = None
) -> RandomTensors:
    """Random weights of these shapes, drawn when asked for."""
    return RandomTensors(shapes, seed=seed, device=device)


def _local_path(model: str) -> Path:
    path = Path(model).expanduser()
    if path.exists():
        return path
    if model.count("/") == 1 and not model.startswith((".", "/", "~")):
        return _download(model)
    raise WeightsError(
        path,
        f"no such file or directory, not a hub id (owner/name), and none of {', '.join(PRESETS)}",
    )


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


def _open_preset(
    name: str, load_format: str, seed: int, device: torch.device | None
) -> OpenedModel:
    if load_format not in ("auto", "dummy"):
        raise WeightsError(name, f"load format {load_format!r} does not fit a preset of sizes")
    preset = PRESETS[name]
    logger.warning("%s is sizes only: its weights are random and its answers noise", name)
    tensors = RandomTensors(
        tensor_shapes(preset.config),
        seed=seed,
        dtype=WEIGHT_DTYPE,
        scale=preset.scale,
        device=device,
    )
    return OpenedModel(name, preset.config, tensors, byte_tokenizer(SPECIAL_TOKENS))


def _open_gguf(path: Path, name: str) -> OpenedModel:
    file = GGUFFile(path)
    config = file.config()
    tokenizer = Tokenizer.from_gguf(path, file.tokenizer_metadata())
    tensors = file.tensors(config)
    check_tensors(tensors.headers, tensor_shapes(config), path)
    return OpenedModel(name, config, tensors, tokenizer)


def _open_directory(path: Path, name: str, *, is_dummy: bool) -> OpenedModel:
    file = path / "config.json"
    data = read_json(file)
    config = config_from_hf(data, file)
    tokenizer = Tokenizer.from_directory(path)
    if is_dummy:
        return OpenedModel(name, config, {}, tokenizer)
    tensors = SafetensorsDirectory(path, fp8_block=fp8_block(data, file)).tensors()
    check_tensors(tensors.headers, tensor_shapes(config), path)
    return OpenedModel(name, config, tensors, tokenizer)
