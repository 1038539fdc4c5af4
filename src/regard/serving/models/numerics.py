"""How numbers are kept and multiplied: mode, device, weight type."""

import importlib.util
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch

from regard.serving.errors import InvalidRequestError
from regard.serving.kernels import native

Mode = Literal["fast", "exact"]
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Numerics:
    """The numeric mode of one engine."""

    mode: Mode
    """exact: float32, each row's result independent of the batch. fast: what the device likes."""
    device: torch.device
    """Where tensors live."""
    weight_dtype: torch.dtype | None
    """Type of dense weights; None keeps float32, bfloat16 and quantised weights as they are."""

    @property
    def is_exact(self) -> bool:
        """Whether results must not depend on the batch."""
        return self.mode == "exact"

    @property
    def activation_dtype(self) -> torch.dtype:
        """Type of the residual stream."""
        if self.is_exact or self.device.type == "cpu":
            return torch.float32
        return self.weight_dtype or torch.bfloat16

    @property
    def uses_native_kernels(self) -> bool:
        """Whether the C kernels do the work."""
        return self.device.type == "cpu" and native.is_available()

    @property
    def uses_gpu_kernels(self) -> bool:
        """Whether the Triton kernels do the work."""
        return self.device.type == "cuda" and not self.is_exact and _has_triton()


@cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def choose_numerics(mode: Mode, device: str, dtype: str) -> Numerics:
    """Resolve the `--mode`, `--device` and `--dtype` options.

    Raises:
        InvalidRequestError: an unknown name, or a device that is not here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.device(device)
    except RuntimeError as error:
        raise InvalidRequestError(f"unknown device {device!r}", param="device") from error
    if place.type == "cuda" and not torch.cuda.is_available():
        raise InvalidRequestError("device 'cuda' was asked for and no GPU is here", param="device")
    if dtype != "auto" and dtype not in DTYPES:
        known = ", ".join(["auto", *DTYPES])
        raise InvalidRequestError(f"unknown dtype {dtype!r}; known: {known}", param="dtype")
    weight_dtype = None if dtype == "auto" else DTYPES[dtype]
    return Numerics(mode, place, torch.float32 if mode == "exact" else weight_dtype)
