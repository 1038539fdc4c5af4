"""Reads Hugging Face model directories: config.json and safetensors files."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from regard.serving.errors import WeightsError

INDEX = "model.safetensors.index.json"


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        WeightsError: it is missing or no JSON object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise WeightsError(path, f"not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise WeightsError(path, "not a JSON object")
    return data


def weight_files(directory: Path) -> list[Path]:
    """The safetensors files of a model directory, by its index where it has one.

    Raises:
        WeightsError: there are none, or the index names one that is missing.
    """
    if (directory / INDEX).exists():
        shards = read_json(directory / INDEX).get("weight_map", {})
        files = sorted({directory / name for name in shards.values()})
    else:
        files = sorted(directory.glob("*.safetensors"))
    if not files:
        pickled = [path.name for path in directory.glob("*.bin")]
        hint = f" ({', '.join(pickled)} would have to be unpickled, which runs code)"
        raise WeightsError(directory, f"no safetensors files here{hint if pickled else ''}")
    for path in files:
        if not path.exists():
            raise WeightsError(path, f"missing, though {INDEX} names it")
    return files


def read_tensors(directory: Path) -> dict[str, Tensor]:
    """All tensors, memory-mapped.

    Raises:
        WeightsError: a file is missing or corrupt.
    """
    tensors: dict[str, Tensor] = {}
    for path in weight_files(directory):
        try:
            with safe_open(path, framework="pt") as file:
                tensors |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise WeightsError(path, f"corrupt or truncated ({error})") from error
    return tensors
