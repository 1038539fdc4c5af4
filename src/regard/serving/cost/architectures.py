"""Models by name: presets that ship with the package, and configurations of a user's own."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from regard.serving.cost.architecture import Architecture
from regard.serving.cost.config_reader import ConfigReader
from regard.serving.cost.data_files import read_shipped, shipped_models
from regard.serving.cost.errors import CostError, nearest_hint
from regard.serving.cost.families import FAMILIES
from regard.serving.cost.family_parts import CachePrecisions
from regard.serving.cost.precision import Precision, parse_precision

# A key that only configurations of some shape have -> a family of that shape.
TELLING_KEYS = (
    ("index_topk", "deepseek_v32"),
    ("kv_lora_rank", "deepseek_v3"),
    ("share_q_dim", "step3_text"),
    ("attn_type_list", "minimax_m1"),
    ("attention_chunk_size", "llama4_text"),
    ("moe_k", "ernie4_5_moe"),
    ("layer_types", "gpt_oss"),
    ("num_local_experts", "mixtral"),
    ("num_experts", "qwen3_moe"),
)
DENSE_FAMILY = "llama"


@dataclass(frozen=True, kw_only=True)
class Formats:
    """The formats a model is served in."""

    weights: Precision
    """Weights, and the arithmetic on them."""

    attention: Precision
    """Arithmetic on the cache."""

    cache: CachePrecisions
    """What attention keeps."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A model that ships with the package."""

    name: str
    """How it is asked for."""

    label: str
    """How it is written."""

    config: Mapping[str, Any]
    """Its configuration, the keys that matter here."""

    formats: Formats
    """The formats it is counted in unless others are asked for."""

    published_parameters: float
    """The published total."""

    published_source: str
    """Where that total stands."""

    source: str
    """Where its configuration stands."""

    formats_source: str
    """Why these formats."""

    @property
    def architecture(self) -> Architecture:
        """Its layers in its own formats."""
        return self.in_formats(self.formats)

    def in_formats(self, formats: Formats) -> Architecture:
        """Its layers in other formats."""
        return read_architecture(self.config, name=self.name, formats=formats)


def uniform_formats(*, weights: Precision, kv: Precision, state: Precision) -> Formats:
    """One format for weights and one for the whole KV cache, as a user gives them."""
    cache = CachePrecisions(full=kv, window=kv, state=state)
    return Formats(weights=weights, attention=kv, cache=cache)


def read_architecture(
    config: Mapping[str, Any], *, name: str, formats: Formats, family: str | None = None
) -> Architecture:
    """The architecture of a Hugging Face configuration.

    Args:
        config: What `config.json` holds; a nested `text_config` is used where there is one.
        name: How the model is called in output and errors.
        formats: The formats it is served in; a configuration does not say.
        family: A `model_type` to read it as; by default its own.

    Raises:
        CostError: The family is unknown, or a key is missing or impossible.
    """
    text = config.get("text_config") or config
    found = family or str(text.get("model_type"))
    if found not in FAMILIES:
        nearest = nearest_family(text)
        raise CostError(
            f"{name}: model_type {found!r} is not supported; the nearest supported family is "
            f"{nearest!r} (--family {nearest} reads it as that); supported: {', '.join(FAMILIES)}"
        )
    reader = ConfigReader(text, name=name, family=found)
    attention, feed_forward = FAMILIES[found](reader, formats.cache)
    tied = reader.flag_or("tie_word_embeddings", False, "most models of this size are untied")
    return Architecture(
        name=name,
        hidden=reader.whole("hidden_size"),
        vocab=reader.whole("vocab_size"),
        tied=tied,
        attention=attention,
        feed_forward=feed_forward,
        weight_precision=formats.weights,
        attention_precision=formats.attention,
        assumptions=reader.assumptions,
    )


def nearest_family(config: Mapping[str, Any]) -> str:
    """The supported family whose keys or whose name are nearest to this configuration's."""
    for key, family in TELLING_KEYS:
        if config.get(key) is not None:
            return family
    alike = difflib.get_close_matches(str(config.get("model_type")), FAMILIES, n=1)
    return alike[0] if alike else DENSE_FAMILY


def read_config_file(path: Path, *, formats: Formats, family: str | None = None) -> Architecture:
    """The architecture of a `config.json`, named after its folder."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CostError(f"{path}: not a readable JSON file ({error})") from error
    if not isinstance(config, dict):
        raise CostError(f"{path}: holds no JSON object")
    name = path.parent.resolve().name if path.name == "config.json" else path.stem
    return read_architecture(config, name=name, formats=formats, family=family)


def preset_names() -> tuple[str, ...]:
    """Every model that ships with the package, by name."""
    return shipped_models()


@cache
def preset(name: str) -> Preset:
    """The model of that name; capitals, and the owner of a hub id, do not matter.

    Raises:
        CostError: There is none; the message names the nearest.
    """
    wanted = name.lower().split("/")[-1]
    names = preset_names()
    if wanted not in names:
        hint = nearest_hint(wanted, names)
        raise CostError(
            f"no model {name!r} ships with regard{hint} Choose one of {', '.join(names)}, "
            "or give the path of a config.json"
        )
    return _read_preset(wanted, read_shipped(f"models/{wanted}.yaml"))


def _read_preset(name: str, data: Mapping[str, Any]) -> Preset:
    names = data["formats"]
    formats = Formats(
        weights=parse_precision(names["weights"]),
        attention=parse_precision(names["attention"]),
        cache=CachePrecisions(
            full=parse_precision(names["full"]),
            window=parse_precision(names["window"]),
            state=parse_precision(names["state"]),
        ),
    )
    return Preset(
        name=name,
        label=data["label"],
        config=MappingProxyType(data["config"]),
        formats=formats,
        published_parameters=float(data["published"]["parameters"]),
        published_source=data["published"]["source"],
        source=data["source"],
        formats_source=names["source"],
    )
