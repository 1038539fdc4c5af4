"""Accelerators by name: what they do in a second and what an hour of them costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from regard.serving.cost.data_files import read_shipped, read_user_file
from regard.serving.cost.errors import CostError, nearest_hint, require_positive
from regard.serving.cost.precision import Precision, parse_precision

SECONDS_PER_HOUR = 3600
# What arithmetic falls back to where the hardware lacks a format.
FALLBACKS = MappingProxyType(
    {
        Precision.MXFP4: (Precision.MXFP4, Precision.FP8, Precision.BF16),
        Precision.FP8: (Precision.FP8, Precision.BF16),
        Precision.INT8: (Precision.INT8, Precision.BF16),
        Precision.BF16: (Precision.BF16,),
        Precision.FP32: (Precision.BF16,),
    }
)
SCALARS = (
    "usd_per_hour",
    "memory_bytes_per_second",
    "memory_bytes",
    "gpus_per_server",
    "network_bytes_per_second",
    "link_bytes_per_second",
)
KEYS = ("label", "flops", *SCALARS)


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """One accelerator, and its share of the server around it."""

    name: str
    """How it is asked for, such as `h800`."""

    label: str
    """How it is written."""

    usd_per_hour: float | None
    """Price of an hour; None where no price is known."""

    flops: Mapping[Precision, float]
    """Dense operations a second, by format."""

    memory_bytes_per_second: float
    """Bandwidth of its memory."""

    memory_bytes: float
    """Size of its memory."""

    gpus_per_server: int
    """Accelerators in a server."""

    network_bytes_per_second: float
    """Bandwidth of a server's NICs together, one direction."""

    link_bytes_per_second: float
    """Bandwidth to the others in its server, one direction."""

    sources: Mapping[str, str]
    """Where each value stands."""

    def compute_precision(self, wanted: Precision) -> Precision:
        """The format that arithmetic in `wanted` runs in here."""
        for each in FALLBACKS[wanted]:
            if each in self.flops:
                return each
        raise CostError(f"{self.name} names no FLOP/s for {wanted} or what stands in for it")

    def flops_per_second(self, wanted: Precision) -> float:
        """Operations a second in that format, or in the one that stands in for it."""
        return self.flops[self.compute_precision(wanted)]

    def roofline(self, wanted: Precision) -> float:
        """FLOP for each byte above which arithmetic binds."""
        return self.flops_per_second(wanted) / self.memory_bytes_per_second

    @property
    def usd_per_second(self) -> float:
        """Price of a second.

        Raises:
            CostError: No price is known.
        """
        if self.usd_per_hour is None:
            raise CostError(
                f"{self.name} has no price: give one with --price {self.name}=USD_PER_HOUR"
            )
        return self.usd_per_hour / SECONDS_PER_HOUR

    def usd_per_flop(self, wanted: Precision) -> float:
        """Price of one operation at full speed."""
        return self.usd_per_second / self.flops_per_second(wanted)

    @property
    def usd_per_byte(self) -> float:
        """Price of one byte of memory traffic at full speed."""
        return self.usd_per_second / self.memory_bytes_per_second

    def with_price(self, usd_per_hour: float) -> Accelerator:
        """The same at another price."""
        require_positive(f"price of {self.name}", usd_per_hour)
        sources = {**self.sources, "usd_per_hour": "given by the user"}
        return replace(self, usd_per_hour=usd_per_hour, sources=sources)


@lru_cache(maxsize=1)
def shipped_accelerators() -> Mapping[str, Accelerator]:
    """The accelerators that ship with the package, by name."""
    name = "accelerators.yaml"
    return MappingProxyType(parse_accelerators(read_shipped(name), origin=name))


def read_accelerators(path: Path | None = None) -> Mapping[str, Accelerator]:
    """The shipped accelerators, and on top of them those of a user's YAML file.

    Raises:
        CostError: The file cannot be read, or an entry is incomplete or impossible.
    """
    if path is None:
        return shipped_accelerators()
    own = parse_accelerators(read_user_file(path), origin=str(path))
    return MappingProxyType({**shipped_accelerators(), **own})


def choose(available: Mapping[str, Accelerator], name: str) -> Accelerator:
    """The accelerator of that name.

    Raises:
        CostError: There is none; the message names the nearest.
    """
    wanted = name.lower()
    if wanted not in available:
        hint = nearest_hint(wanted, available)
        raise CostError(f"no accelerator {name!r}{hint} Known: {', '.join(available)}")
    return available[wanted]


def parse_accelerators(data: Mapping[str, Any], *, origin: str) -> dict[str, Accelerator]:
    """The accelerators of a mapping as `data/accelerators.yaml` has it."""
    return {str(name).lower(): _parse(str(name).lower(), data[name], origin) for name in data}


def _parse(name: str, entry: Any, origin: str) -> Accelerator:
    where = f"{origin}: {name}"
    if not isinstance(entry, dict):
        raise CostError(f"{where} is {entry!r}; a mapping with {', '.join(KEYS)} is needed")
    if unknown := sorted(entry.keys() - set(KEYS)):
        raise CostError(f"{where}: unknown keys {unknown}; an accelerator has {', '.join(KEYS)}")
    if missing := [key for key in KEYS if key not in entry]:
        raise CostError(f"{where}: missing keys {missing}")
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for key in SCALARS:
        values[key], sources[key] = _sourced(f"{where}: {key}", entry[key])
    if not isinstance(entry["flops"], dict) or not entry["flops"]:
        raise CostError(f"{where}: flops names no format; give bf16 at least")
    flops: dict[Precision, float] = {}
    for key, given in entry["flops"].items():
        value, source = _sourced(f"{where}: flops {key}", given)
        precision = parse_precision(str(key))
        sources[f"flops {precision}"] = source
        flops[precision] = _number(f"{where}: flops {key}", value)
    for key in SCALARS:
        if key != "usd_per_hour" or values[key] is not None:
            values[key] = _number(f"{where}: {key}", values[key])
    values["gpus_per_server"] = int(values["gpus_per_server"])
    return Accelerator(
        name=name,
        label=str(entry["label"]),
        flops=MappingProxyType(flops),
        sources=MappingProxyType(sources),
        **values,
    )


def _sourced(where: str, given: Any) -> tuple[Any, str]:
    if not isinstance(given, dict) or set(given) != {"value", "source"}:
        raise CostError(f"{where} is {given!r}; write {{value: NUMBER, source: 'where it stands'}}")
    return given["value"], str(given["source"])


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CostError(f"{where} is {value!r}; a number is needed (YAML reads 1.0e+12, not 1e12)")
    require_positive(where, value)
    return float(value)
