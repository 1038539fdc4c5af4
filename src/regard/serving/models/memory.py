"""Whether the weights of a model, or of one instance's part of it, fit into memory."""

import ctypes
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from regard.serving.errors import InvalidRequestError
from regard.serving.models.lazy_tensors import LazyTensors
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import LoadedTensor
from regard.serving.models.random_tensors import RandomTensors
from regard.serving.models.shard import FeedForwardShard

_FEED_FORWARD = re.compile(r"^model\..*\.(mlp\.|share_expert\.|moe\.(gate|up|down)_proj\.)")
_HALF = ("BF16", "F8_E4M3")
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def is_feed_forward(name: str) -> bool:
    """Whether a tensor belongs to a feed-forward; the others are attention's side."""
    return _FEED_FORWARD.match(name) is not None


def weight_bytes(
    tensors: Mapping[str, LoadedTensor],
    shapes: Mapping[str, tuple[int, ...]],
    numerics: Numerics,
) -> int:
    """Bytes that tensors of these names will take as this mode and device keep them.

    Args:
        tensors: where they come from; nothing is read or drawn.
        shapes: those to be kept.
        numerics: mode, device, types.
    """
    return sum(
        int(math.prod(shape) * _bytes_each(_kind(tensors, name), numerics))
        for name, shape in shapes.items()
    )


def attention_shapes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """What attention's side holds of a model."""
    return {name: shape for name, shape in shapes.items() if not is_feed_forward(name)}


def shard_shapes(
    shapes: Mapping[str, tuple[int, ...]], shard: FeedForwardShard
) -> dict[str, tuple[int, ...]]:
    """What a shard of the feed-forwards holds of a model; cuts between blocks are left aside."""
    held = {}
    for name, shape in shapes.items():
        if not is_feed_forward(name):
            continue
        *stack, rows, columns = shape
        width = columns if ".down_proj." in name else rows
        cut = shard.expert_inner(width) if stack else shard.inner(width)
        part = cut.stop - cut.start
        own = (rows, part) if ".down_proj." in name else (part, columns)
        held[name] = (len(shard.experts(stack[0])), *own) if stack else own
    return held


def check_room(model: str, num_bytes: int, device: torch.device) -> None:
    """Refuse weights that are larger than what is free, before any is read or drawn.

    Raises:
        InvalidRequestError: they are; the message has both sums.
    """
    room = available_bytes(device)
    if num_bytes > room:
        place = "GPU memory is free" if device.type == "cuda" else "memory is available"
        raise InvalidRequestError(
            f"the weights of {model} need {num_bytes / 1e9:.1f} GB and {room / 1e9:.1f} GB of "
            f"{place} here; take a smaller model, or more machines",
            param="model",
        )


def available_bytes(device: torch.device, *, meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int:
    """Free GPU memory, or the memory that this process's machine or container can still give."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(_machine_bytes(meminfo), _container_bytes(cgroup))


def release_free_memory() -> None:
    """Give freed heap memory back to the system; call it between layers while loading.

    glibc seldom reuses what torch frees, which is aligned in its own way: without this, a process
    that packs many middle-sized matrices holds half as much again.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _machine_bytes(meminfo: Path) -> int:
    found = None
    if meminfo.exists():
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(), re.MULTILINE)
    if found is None:
        # Not Linux: what is installed is an upper bound.
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(found[1]) * 1024


def _container_bytes(cgroup: Path) -> int:
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        statistics = (cgroup / "memory.stat").read_text()
    except (OSError, ValueError):
        return 2**63
    if limit == "max":
        return 2**63
    # File pages that nobody used lately count as used, and go when room is needed.
    idle = re.search(r"^inactive_file (\d+)", statistics, re.MULTILINE)
    return int(limit) - used + (int(idle[1]) if idle else 0)


def _kind(tensors: Mapping[str, LoadedTensor], name: str) -> str:
    if isinstance(tensors, LazyTensors):
        return tensors.headers[name].kind
    if isinstance(tensors, RandomTensors):
        return "BF16" if tensors.dtype == torch.bfloat16 else "F32"
    tensor = tensors[name]
    return "BF16" if isinstance(tensor, torch.Tensor) and tensor.dtype == torch.bfloat16 else "F32"


def _bytes_each(kind: str, numerics: Numerics) -> float:
    if numerics.is_exact:
        return 4.0
    if numerics.device.type != "cpu":
        return float(numerics.activation_dtype.itemsize)
    wanted = numerics.weight_dtype
    if wanted is not None:
        return 2.0 if wanted == torch.bfloat16 else 4.0
    if kind in ("F32", "F16", *_HALF):
        return 2.0 if kind in _HALF else 4.0
    size, num_bytes = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
    return num_bytes / size
