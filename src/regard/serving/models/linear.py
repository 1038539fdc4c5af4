"""Linear layers: one or several matrices read together, dense or quantised, with LoRA."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from regard.serving.kernels.linear.cpu import CpuLinear
from regard.serving.kernels.linear.packing import BLOCK, PACKERS, pack_dense
from regard.serving.kernels.linear.reference import linear_reference
from regard.serving.models.block_fp8 import BlockFp8Tensor
from regard.serving.models.forward_batch import AdapterRows
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import LoadedTensor, QuantisedTensor, dense

Multiply = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Part:
    """One matrix of a fused layer."""

    name: str
    """Module name, as LoRA adapters know it."""
    start: int
    """First output column."""
    end: int
    """One past the last."""


class Linear:
    """y = x W^T + b over the matrices in `parts`, stacked along the output."""

    def __init__(
        self,
        weights: Sequence[tuple[str, LoadedTensor]],
        numerics: Numerics,
        bias: Tensor | None = None,
    ) -> None:
        sizes = [tensor.shape[0] for _, tensor in weights]
        ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
        self.parts = tuple(
            Part(name.removesuffix(".weight"), end - size, end)
            for (name, _), size, end in zip(weights, sizes, ends, strict=True)
        )
        self._multiply = make_multiply([tensor for _, tensor in weights], numerics)
        self._bias = None if bias is None else bias.to(numerics.device, numerics.activation_dtype)

    def __call__(
        self, x: Float[Tensor, "rows inner"], adapters: Sequence[AdapterRows] = ()
    ) -> Float[Tensor, "rows outer"]:
        """Multiply, then add the bias and what each adapter adds to its rows."""
        y = self._multiply(x)
        if self._bias is not None:
            y = y + self._bias
        for adapted in adapters:
            self._add_adapter(x, y, adapted)
        return y

    def _add_adapter(self, x: Tensor, y: Tensor, adapted: AdapterRows) -> None:
        rows = adapted.rows
        for part in self.parts:
            matrices = adapted.adapter.matrices.get(part.name)
            if matrices is None:
                continue
            down, up = (matrix.to(x.device, x.dtype) for matrix in matrices)
            # Tiles of fixed height keep each row's result independent of the batch.
            delta = linear_reference(linear_reference(x[rows], down), up)
            y[rows, part.start : part.end] += delta * adapted.adapter.scaling


def make_multiply(tensors: Sequence[LoadedTensor], numerics: Numerics) -> Multiply:
    """Choose how to multiply by these matrices, stacked along the output."""
    if numerics.uses_native_kernels:
        packed = _packed_quantised(tensors, numerics)
        return packed or CpuLinear(pack_dense(_stacked(tensors, numerics)))
    weight = _stacked(tensors, numerics)
    if numerics.is_exact:
        return lambda x: linear_reference(x, weight)
    if numerics.device.type == "cpu":
        weight = weight.float()
    if numerics.uses_gpu_kernels:
        return _on_gpu(weight)
    return lambda x: F.linear(x, weight)


def _on_gpu(weight: Tensor) -> Multiply:
    from regard.serving.kernels.linear.gpu import linear_row_gpu, supports

    if not supports(weight):
        return lambda x: F.linear(x, weight)
    return lambda x: linear_row_gpu(x, weight) if x.shape[0] == 1 else F.linear(x, weight)


def _packed_quantised(tensors: Sequence[LoadedTensor], numerics: Numerics) -> Multiply | None:
    kinds = {t.kind if isinstance(t, QuantisedTensor) else "" for t in tensors}
    columns = tensors[0].shape[1]
    if numerics.weight_dtype is not None or len(kinds) != 1 or columns % BLOCK:
        return None
    packer = PACKERS.get(kinds.pop())
    if packer is None:
        return None
    raw = torch.cat([t.raw for t in tensors if isinstance(t, QuantisedTensor)])
    return CpuLinear(packer(raw, columns))


def _stacked(tensors: Sequence[LoadedTensor], numerics: Numerics) -> Tensor:
    if numerics.is_exact:
        dtype = torch.float32
    elif numerics.device.type != "cpu":
        dtype = numerics.activation_dtype
    else:
        kept = all(_is_half(tensor) for tensor in tensors)
        dtype = numerics.weight_dtype or (torch.bfloat16 if kept else torch.float32)
        dtype = torch.float32 if dtype == torch.float16 else dtype
    return torch.cat([dense(tensor).to(numerics.device, dtype) for tensor in tensors])


def _is_half(tensor: LoadedTensor) -> bool:
    # FP8 values have 4 significant bits: rounding scaled ones to bfloat16's 8 costs little.
    if isinstance(tensor, BlockFp8Tensor):
        return True
    return isinstance(tensor, Tensor) and tensor.dtype == torch.bfloat16
