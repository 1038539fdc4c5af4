"""LoRA adapters in PEFT's format."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from regard.serving.errors import WeightsError
from regard.serving.models.config import ModelConfig, llama_tensor_shapes
from regard.serving.models.safetensors_directory import read_json

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
Matrices = tuple[Float[Tensor, "rank inner"], Float[Tensor, "outer rank"]]


@dataclass(frozen=True)
class LoraAdapter:
    """y += scaling * x A^T B^T for the named modules."""

    name: str
    """Name under which it is served."""
    scaling: float
    """alpha / r, or alpha / sqrt(r) for rank-stabilised adapters."""
    matrices: Mapping[str, Matrices]
    """Module name to (A, B) in float32."""


def load_lora(name: str, path: str | Path, config: ModelConfig) -> LoraAdapter:
    """Read an adapter directory.

    Raises:
        WeightsError: files missing or corrupt, unsupported options, or shapes of another model.
    """
    directory = Path(path).expanduser()
    options = read_json(directory / "adapter_config.json")
    unsupported = [
        key
        for key in ("use_dora", "modules_to_save", "layers_to_transform", "fan_in_fan_out")
        if options.get(key)
    ]
    if options.get("bias", "none") != "none":
        unsupported.append("bias")
    if options.get("peft_type") != "LORA" or unsupported:
        what = ", ".join(unsupported) or f"peft_type {options.get('peft_type')!r}"
        raise WeightsError(directory / "adapter_config.json", f"not supported: {what}")
    rank, alpha = int(options["r"]), float(options["lora_alpha"])
    scaling = alpha / rank**0.5 if options.get("use_rslora") else alpha / rank
    file = directory / "adapter_model.safetensors"
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise WeightsError(file, f"missing or corrupt ({error})") from error
    return LoraAdapter(name, scaling, _pairs(tensors, rank, config, file))


def _pairs(
    tensors: Mapping[str, Tensor], rank: int, config: ModelConfig, file: Path
) -> dict[str, Matrices]:
    shapes = llama_tensor_shapes(config)
    pairs = {}
    for key, down in tensors.items():
        if not key.endswith(".lora_A.weight"):
            if not key.endswith(".lora_B.weight"):
                raise WeightsError(file, f"tensor {key} is no LoRA matrix")
            continue
        module = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        shape = shapes.get(f"{module}.weight")
        if shape is None or not module.endswith(TARGETS):
            raise WeightsError(file, f"module {module} is not in this model")
        up = tensors.get(key.replace(".lora_A.", ".lora_B."))
        if up is None:
            raise WeightsError(file, f"tensor lora_B of {module} is missing")
        if tuple(down.shape) != (rank, shape[1]) or tuple(up.shape) != (shape[0], rank):
            raise WeightsError(
                file,
                f"{module}: A is {tuple(down.shape)} and B {tuple(up.shape)}; rank {rank} of this "
                f"model needs {(rank, shape[1])} and {(shape[0], rank)}",
            )
        pairs[module] = (down.float(), up.float())
    return pairs
