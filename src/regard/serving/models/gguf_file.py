"""Reads GGUF files: configuration, tensors under Hugging Face names, tokenizer metadata."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import quants
from torch import Tensor

from regard.serving.errors import WeightsError
from regard.serving.models.config import ModelConfig
from regard.serving.models.gguf_reader import QuickGGUFReader
from regard.serving.models.lazy_tensors import LazyTensors, TensorHeader
from regard.serving.models.quantised import LoadedTensor, QuantisedTensor, dense

MAGIC = b"GGUF"
_PLAIN = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_TOP_LEVEL = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_PER_LAYER = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
# Made by llama.cpp's converter; the rotary tables say the same.
_IGNORED = {"rope_freqs.weight"}


class GGUFFile:
    """A GGUF file of the Llama family, memory-mapped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = _open(path)
        self.metadata: Mapping[str, Any] = {
            name: field.contents()
            for name, field in self._reader.fields.items()
            if not name.startswith("tokenizer.ggml.")
        }
        architecture = self.metadata.get("general.architecture")
        if architecture != "llama":
            raise WeightsError(path, f"architecture {architecture!r} is not supported; only llama")
        self._check_extents()

    def tokenizer_metadata(self) -> dict[str, Any]:
        """The `tokenizer.*` fields."""
        return {
            name: field.contents()
            for name, field in self._reader.fields.items()
            if name.startswith("tokenizer.")
        }

    def config(self) -> ModelConfig:
        """The model in numbers.

        Raises:
            WeightsError: a field is missing.
        """
        heads = self._number("attention.head_count")
        hidden = self._number("embedding_length")
        names = {tensor.name for tensor in self._reader.tensors}
        embedding = next((t for t in self._reader.tensors if t.name == "token_embd.weight"), None)
        if embedding is None:
            raise WeightsError(self.path, "tensor token_embd.weight is missing")
        tokens = self._reader.fields.get("tokenizer.ggml.eos_token_id")
        return ModelConfig(
            architecture="llama",
            vocab_size=int(embedding.shape[1]),
            hidden_size=hidden,
            num_layers=self._number("block_count"),
            num_heads=heads,
            num_kv_heads=self._number("attention.head_count_kv", heads),
            head_dim=self._number("attention.key_length", hidden // heads),
            intermediate_size=self._number("feed_forward_length"),
            rope_theta=float(self.metadata.get("llama.rope.freq_base", 10000.0)),
            rope_scaling=self._rope_scaling(),
            rms_norm_eps=float(self._field("attention.layer_norm_rms_epsilon")),
            max_position_embeddings=self._number("context_length"),
            tie_word_embeddings="output.weight" not in names,
            eos_token_ids=() if tokens is None else (int(tokens.contents()),),
        )

    def tensors(self, config: ModelConfig) -> LazyTensors:
        """All tensors under their Hugging Face names; quantised ones stay so.

        Raises:
            WeightsError: a tensor of another model, or of a kind that is not supported.
        """
        stored = {
            self._canonical(tensor.name): tensor
            for tensor in self._reader.tensors
            if tensor.name not in _IGNORED
        }
        headers = {name: self._header(tensor) for name, tensor in stored.items()}

        def read(name: str) -> LoadedTensor:
            rows = self._load(stored[name])
            if not name.endswith(("q_proj.weight", "k_proj.weight")):
                return rows
            heads = config.num_heads if ".q_proj" in name else config.num_kv_heads
            return _unpermute(rows, heads)

        return LazyTensors(headers, read)

    def _header(self, tensor: Any) -> TensorHeader:
        kind, shape = tensor.tensor_type.name, _shape(tensor)
        is_matrix = tensor.tensor_type in quants._type_traits and len(shape) == 2
        if kind not in _PLAIN and not is_matrix:
            supported = ", ".join([*_PLAIN, *(t.name for t in quants._type_traits)])
            raise WeightsError(self.path, f"tensor {tensor.name} is {kind}; supported: {supported}")
        return TensorHeader(shape, kind, self.path)

    def _load(self, tensor: Any) -> LoadedTensor:
        kind, shape = tensor.tensor_type.name, _shape(tensor)
        # Read, not mapped: torch wants writable memory, and pages of a mapping would stay.
        mapped, place = tensor.data, int(tensor.data_offset)
        stored = np.fromfile(self.path, mapped.dtype, mapped.size, offset=place)
        data = torch.from_numpy(stored.reshape(mapped.shape))
        if kind not in _PLAIN:
            return QuantisedTensor(kind.lower(), data, (shape[0], shape[1]))
        plain = data.view(torch.uint8).view(_PLAIN[kind]) if kind == "BF16" else data
        return plain.reshape(shape)

    def _canonical(self, name: str) -> str:
        if name in _TOP_LEVEL:
            return _TOP_LEVEL[name]
        parts = name.split(".")
        if len(parts) == 4 and parts[0] == "blk" and parts[2] in _PER_LAYER:
            return f"model.layers.{parts[1]}.{_PER_LAYER[parts[2]]}.{parts[3]}"
        raise WeightsError(self.path, f"tensor {name} is not one of a Llama model")

    def _field(self, name: str) -> Any:
        value = self.metadata.get(f"llama.{name}")
        if value is None:
            raise WeightsError(self.path, f"metadata llama.{name} is missing")
        return value

    def _number(self, name: str, default: int | None = None) -> int:
        if default is not None and f"llama.{name}" not in self.metadata:
            return default
        value = self._field(name)
        if not isinstance(value, int) or value < 1:
            raise WeightsError(self.path, f"metadata llama.{name} is {value!r}")
        return value

    def _rope_scaling(self) -> dict[str, Any] | None:
        kind = self.metadata.get("llama.rope.scaling.type", "none")
        if kind == "none":
            return None
        if kind != "linear":
            raise WeightsError(self.path, f"rope scaling {kind!r} is not supported; only linear")
        return {"rope_type": kind, "factor": float(self._field("rope.scaling.factor"))}

    def _check_extents(self) -> None:
        size = self.path.stat().st_size
        for tensor in self._reader.tensors:
            end = int(tensor.data_offset) + int(tensor.n_bytes)
            if end > size:
                raise WeightsError(
                    self.path,
                    f"the file is truncated: tensor {tensor.name} ends at byte {end}, "
                    f"the file at {size}",
                )


def _open(path: Path) -> QuickGGUFReader:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise WeightsError(path, error.strerror or str(error)) from error
    if magic != MAGIC:
        raise WeightsError(path, f"not a GGUF file: it begins with {magic!r}")
    try:
        return QuickGGUFReader(path)
    except Exception as error:
        # The reader raises whatever its parsing happens to run into.
        raise WeightsError(path, f"the file is corrupt or truncated ({error})") from error


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in reversed(tensor.shape))


def _unpermute(rows: LoadedTensor, heads: int) -> LoadedTensor:
    """Undo the row order of llama.cpp, which rotates neighbouring pairs instead of halves."""
    if isinstance(rows, QuantisedTensor):
        return QuantisedTensor(rows.kind, _unpermute_rows(rows.raw, heads), rows.shape)
    return _unpermute_rows(dense(rows), heads)


def _unpermute_rows(rows: Tensor, heads: int) -> Tensor:
    half = rows.shape[0] // heads // 2
    return rows.view(heads, half, 2, *rows.shape[1:]).transpose(1, 2).reshape(rows.shape)
