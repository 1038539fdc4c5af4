"""What goes over the control channel, as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from regard.serving.config import EngineConfig
from regard.serving.outputs import EngineStats, RequestOutput
from regard.serving.prompt_image import PromptImage
from regard.serving.request import Request
from regard.serving.sampling_params import SamplingParams

_PARAMS = TypeAdapter(SamplingParams)
_OUTPUTS = TypeAdapter(list[RequestOutput])
_STATS = TypeAdapter(EngineStats)
_CONFIG = TypeAdapter(EngineConfig)


def request_to_json(request: Request) -> dict[str, Any]:
    """A request with what it has put out so far."""
    return {
        "request_id": request.request_id,
        "prompt_token_ids": request.prompt_token_ids,
        "params": _PARAMS.dump_python(request.params, mode="json"),
        "arrival_seconds": request.arrival_seconds,
        "index": request.index,
        "cache_salt": request.cache_salt,
        "output_token_ids": request.output_token_ids,
        "images": [image.to_json() for image in request.images],
    }


def request_from_json(data: dict[str, Any]) -> Request:
    """Read a request."""
    images = tuple(PromptImage.from_json(image) for image in data["images"])
    params = _PARAMS.validate_python(data["params"])
    return Request(**{**data, "params": params, "images": images})


def outputs_to_json(outputs: list[RequestOutput]) -> list[dict[str, Any]]:
    """What a step gave."""
    dumped: list[dict[str, Any]] = _OUTPUTS.dump_python(outputs, mode="json")
    return dumped


def outputs_from_json(data: list[dict[str, Any]]) -> list[RequestOutput]:
    """Read what a step gave."""
    return _OUTPUTS.validate_python(data)


def stats_to_json(stats: EngineStats) -> dict[str, Any]:
    """An engine's counters."""
    return asdict(stats)


def stats_from_json(data: dict[str, Any]) -> EngineStats:
    """Read an engine's counters."""
    return _STATS.validate_python(data)


def sum_of(stats: Sequence[EngineStats]) -> EngineStats:
    """All counters added up; the share of KV blocks in use is the mean."""
    total: dict[str, Any] = dict.fromkeys(EngineStats.__dataclass_fields__, 0)
    for each in stats:
        for name, value in asdict(each).items():
            total[name] += value
    total["kv_usage"] /= max(len(stats), 1)
    return EngineStats(**total)


def config_to_json(config: EngineConfig) -> dict[str, Any]:
    """An engine's options."""
    dumped: dict[str, Any] = _CONFIG.dump_python(config, mode="json")
    return dumped


def config_from_json(data: dict[str, Any]) -> EngineConfig:
    """Read an engine's options."""
    return _CONFIG.validate_python(data)
