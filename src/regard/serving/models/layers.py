"""Small layers that several models share."""

from jaxtyping import Float, Int
from torch import Tensor

from regard.serving.kernels.rms_norm.cpu import rms_norm
from regard.serving.kernels.rms_norm.reference import rms_norm_reference
from regard.serving.kernels.swiglu.cpu import swiglu
from regard.serving.kernels.swiglu.reference import swiglu_reference
from regard.serving.models.numerics import Numerics
from regard.serving.models.quantised import LoadedTensor, QuantisedTensor, dense


class RMSNorm:
    """x / rms(x) * weight over the last dimension."""

    def __init__(self, weight: Tensor, eps: float, numerics: Numerics) -> None:
        # Copied: it may be a view of a mapped file, which could change or shrink.
        self._weight = weight.to(numerics.device, numerics.activation_dtype, copy=True).contiguous()
        self._eps = eps
        self._is_native = numerics.uses_native_kernels
        self._is_gpu = numerics.uses_gpu_kernels

    def __call__(self, x: Float[Tensor, "rows hidden"]) -> Float[Tensor, "rows hidden"]:
        """Normalise each row."""
        if self._is_native:
            return rms_norm(x, self._weight, self._eps)
        if self._is_gpu:
            from regard.serving.kernels.rms_norm.gpu import rms_norm_gpu

            return rms_norm_gpu(x, self._weight, self._eps)
        return rms_norm_reference(x, self._weight, self._eps)


class Embedding:
    """Token embedding; a quantised table stays so and its rows are dequantised when read."""

    def __init__(self, table: LoadedTensor, numerics: Numerics) -> None:
        self._numerics = numerics
        self._table = table
        if not isinstance(table, QuantisedTensor) or numerics.device.type != "cpu":
            self._table = dense(table).to(numerics.device, copy=True)

    def __call__(self, token_ids: Int[Tensor, " rows"]) -> Float[Tensor, "rows hidden"]:
        """Look the rows up."""
        if isinstance(self._table, QuantisedTensor):
            return self._table.dequantise_rows(token_ids)
        return dense(self._table)[token_ids].to(self._numerics.activation_dtype)


class SwiGLU:
    """silu(gate) * up of two halves that stand side by side."""

    def __init__(self, numerics: Numerics) -> None:
        self._is_native = numerics.uses_native_kernels
        self._is_gpu = numerics.uses_gpu_kernels

    def __call__(self, gate_up: Float[Tensor, "rows double"]) -> Float[Tensor, "rows half"]:
        """Gate each row."""
        if self._is_native and gate_up.is_contiguous():
            return swiglu(gate_up)
        if self._is_gpu and gate_up.is_contiguous():
            from regard.serving.kernels.swiglu.gpu import swiglu_gpu

            return swiglu_gpu(gate_up)
        return swiglu_reference(gate_up)
