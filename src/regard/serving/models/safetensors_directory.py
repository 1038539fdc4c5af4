"""Reads Hugging Face model directories: config.json and safetensors files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from regard.serving.errors import WeightsError
from regard.serving.models.block_fp8 import SCALE_SUFFIX, BlockFp8Tensor, scale_shape
from regard.serving.models.lazy_tensors import LazyTensors, TensorHeader
from regard.serving.models.quantised import LoadedTensor

INDEX = "model.safetensors.index.json"
_FP8 = "F8_E4M3"
_KINDS = ("F32", "F16", "BF16", _FP8)
# How a multimodal checkpoint may name its language model's tensors.
_PREFIXES = {
    "language_model.model.": "model.",
    "model.language_model.": "model.",
    "language_model.lm_head.": "lm_head.",
}


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


class SafetensorsDirectory:
    """The safetensors files of a model directory, by its index where it has one."""

    def __init__(self, directory: Path, *, fp8_block: tuple[int, int] | None = None) -> None:
        """Read the headers.

        Args:
            directory: where the files lie.
            fp8_block: rows and columns of a block that shares a scale, in an FP8 checkpoint.

        Raises:
            WeightsError: a file is missing or corrupt, lacks a tensor that the index puts into it,
                or an FP8 tensor's scales are missing or misshapen.
        """
        self._directory, self._fp8_block = directory, fp8_block
        self._stored: dict[str, str] = {}
        found = self._headers()
        self._scales = {
            name: header.file for name, header in found.items() if name.endswith(SCALE_SUFFIX)
        }
        self._check_scales(found)
        self._found = {name: header for name, header in found.items() if name not in self._scales}

    def tensors(self) -> LazyTensors:
        """All tensors under their canonical names, mapped when asked for."""
        return LazyTensors(self._found, self._read)

    def _headers(self) -> dict[str, TensorHeader]:
        index = _weight_map(self._directory)
        files = _weight_files(self._directory, index)
        found: dict[str, TensorHeader] = {}
        for path in files:
            for stored, header in _file_headers(path).items():
                name = _canonical(stored)
                found[name], self._stored[name] = header, stored
        for stored, file in index.items():
            if _canonical(stored) not in found:
                path = self._directory / file
                raise WeightsError(path, f"tensor {stored} missing, though {INDEX} puts it here")
        return found

    def _check_scales(self, found: Mapping[str, TensorHeader]) -> None:
        for name, header in found.items():
            scales = found.get(name + SCALE_SUFFIX)
            if header.kind != _FP8:
                if scales is not None:
                    raise WeightsError(
                        scales.file,
                        f"tensor {name}{SCALE_SUFFIX} scales {name}, which is {header.kind}, "
                        f"not {_FP8}",
                    )
                continue
            if self._fp8_block is None:
                raise WeightsError(
                    header.file,
                    f"tensor {name} is FP8, but config.json has no quantization_config",
                )
            if scales is None:
                raise WeightsError(header.file, f"tensor {name}{SCALE_SUFFIX} missing")
            expected = scale_shape(header.shape, self._fp8_block)
            if (scales.shape, scales.kind) != (expected, "F32"):
                raise WeightsError(
                    scales.file,
                    f"tensor {name}{SCALE_SUFFIX} is {scales.kind} {scales.shape}; "
                    f"{header.shape} in blocks of {self._fp8_block} needs F32 {expected}",
                )

    def _read(self, name: str) -> LoadedTensor:
        header = self._found[name]
        if header.kind not in _KINDS:
            known = ", ".join(_KINDS)
            raise WeightsError(header.file, f"tensor {name} is {header.kind}; supported: {known}")
        values = self._map(name, header.file)
        scales = name + SCALE_SUFFIX
        if self._fp8_block is None or scales not in self._scales:
            return values
        return BlockFp8Tensor(values, self._map(scales, self._scales[scales]), self._fp8_block)

    def _map(self, name: str, path: Path) -> Tensor:
        # Opened anew each time: a tensor keeps its file's mapping, whose pages would add up.
        try:
            with safe_open(path, framework="pt") as file:
                tensor: Tensor = file.get_tensor(self._stored[name])
        except (SafetensorError, OSError) as error:
            raise WeightsError(path, f"changed or gone since it was opened ({error})") from error
        return tensor


def _weight_map(directory: Path) -> dict[str, str]:
    if not (directory / INDEX).exists():
        return {}
    entries = read_json(directory / INDEX).get("weight_map")
    if not isinstance(entries, dict):
        raise WeightsError(directory / INDEX, "no weight_map in it")
    return entries


def _weight_files(directory: Path, index: Mapping[str, str]) -> list[Path]:
    files = sorted({directory / name for name in index.values()})
    files = files or sorted(directory.glob("*.safetensors"))
    if not files:
        pickled = [path.name for path in directory.glob("*.bin")]
        hint = f" ({', '.join(pickled)} would have to be unpickled, which runs code)"
        raise WeightsError(directory, f"no safetensors files here{hint if pickled else ''}")
    for path in files:
        if not path.exists():
            raise WeightsError(path, f"missing, though {INDEX} names it")
    return files


def _file_headers(path: Path) -> dict[str, TensorHeader]:
    headers = {}
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                part = file.get_slice(name)
                headers[name] = TensorHeader(tuple(part.get_shape()), part.get_dtype(), path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(path, f"corrupt or truncated ({error})") from error
    return headers


def _canonical(name: str) -> str:
    for prefix, replacement in _PREFIXES.items():
        if name.startswith(prefix):
            return replacement + name.removeprefix(prefix)
    return name
