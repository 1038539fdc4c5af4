"""FP8 products by other libraries on our operands: cuBLAS through torch, and DeepGEMM if installed.

cuBLAS takes one scale a tensor, so its result is that of the values without their block scales.
"""

import importlib
from collections.abc import Callable
from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from regard.serving.kernels.block_scaled.launch import Rows, Weight
from regard.serving.kernels.block_scaled.reference import fp8_linear_reference

NAMES = {
    "cublas": "cuBLAS (torch._scaled_mm), one scale a tensor",
    "deep_gemm": "DeepGEMM, block scales",
}
TOLERANCES = {"cublas": 5e-2, "deep_gemm": 1e-2}
"""cuBLAS's fast sums stay in the matrix units, which lose 3.1 % over 16,384 columns."""
Product = Callable[[Rows, Weight], Tensor]


def deep_gemm() -> ModuleType | None:
    """The library, if it is there."""
    try:
        return importlib.import_module("deep_gemm")
    except ImportError:
        return None


def relative_error(found: Tensor, expected: Tensor) -> float:
    """L2, in float64."""
    return float((found.double() - expected.double()).norm() / expected.double().norm())


def products() -> dict[str, Product]:
    """A product for each library that is there."""
    found: dict[str, Product] = {"cublas": cublas_product}
    if deep_gemm() is not None:
        found["deep_gemm"] = deep_gemm_product
    return found


@cache
def _one(device: torch.device) -> Tensor:
    return torch.ones((), device=device)


def cublas_product(x: Rows, weight: Weight) -> Tensor:
    """Without block scales."""
    one = _one(x.values.device)
    return torch._scaled_mm(
        x.values,
        weight.values.T,
        scale_a=one,
        scale_b=one,
        out_dtype=torch.bfloat16,
        use_fast_accum=True,
    )


class DeepGemm:
    """The library on one GPU.

    It keeps a kernel for the GPU that ran it first, and fails on another one. The number of
    multiprocessors is part of a kernel: with different ones, two GPUs have no kernel in common.
    """

    def __init__(self, device: torch.device, spare_blocks: int = 0) -> None:
        """Leaves some multiprocessors to others."""
        self._library = importlib.import_module("deep_gemm")
        most = torch.cuda.get_device_properties(device).multi_processor_count
        self._num_blocks = most - spare_blocks

    def product(self, x: Rows, weight: Weight, out: Tensor) -> None:
        """(rows, columns) by (outer, columns)."""
        self._library.set_num_sms(self._num_blocks)
        self._library.fp8_gemm_nt((x.values, x.scales.T), (weight.values, weight.scales), out)

    def grouped(self, x: Rows, stack: Weight, out: Tensor, counts: Tensor, expected: int) -> None:
        """Each expert's rows by its own weight.

        Args:
            x: (experts * capacity, columns); scales (experts, columns / 128, capacity).
            stack: The experts' weights, then others.
            out: (experts, capacity, outer).
            counts: (experts,) rows that count.
            expected: Their mean.
        """
        num_experts, capacity, outer = out.shape
        columns, rows = x.values.shape[1], num_experts * outer
        self._library.set_num_sms(self._num_blocks)
        self._library.fp8_m_grouped_gemm_nt_masked(
            (x.values.view(num_experts, capacity, columns), x.scales.transpose(1, 2)),
            (
                stack.values[:rows].view(num_experts, outer, columns),
                stack.scales[: rows // 128].view(num_experts, outer // 128, -1),
            ),
            out,
            counts,
            expected,
        )


def deep_gemm_product(x: Rows, weight: Weight) -> Tensor:
    """With block scales, which stand token by token within a block as the library wants them."""
    shape = (x.values.shape[0], weight.values.shape[0])
    out = torch.empty(shape, dtype=torch.bfloat16, device=x.values.device)
    DeepGemm(x.values.device).product(x, weight, out)
    return out


def expected_product(name: str, x: Rows, weight: Weight) -> Tensor:
    """What a library's product should be, in float32."""
    if name == "cublas":
        return x.values.float() @ weight.values.float().T
    return fp8_linear_reference(x.values, x.scales, weight.values, weight.scales)


def check_product(name: str, x: Rows, weight: Weight) -> float:
    """The error of a library's product.

    Raises:
        SystemExit: It is too large: what is timed would not be the same work.
    """
    error = relative_error(products()[name](x, weight), expected_product(name, x, weight))
    if not error < TOLERANCES[name]:
        raise SystemExit(f"{NAMES[name]} is wrong: relative error {error:.4f}")
    return error
