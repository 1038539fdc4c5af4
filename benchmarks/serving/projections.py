"""Attention's projections of one Step-3 layer in FP8: query down with key and value, query up, out.

Ours alone (`projections_us`), ours with all that stands between them in a layer but attention
(`projections_fused_us`: two norms with sum and quantisation, inner norm, rotation, append), and the
three bare products of cuBLAS and DeepGEMM on the same operands in the same run.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from benchmarks.serving.device_timing import CALLS, measure_tokens, num_sets, row, time_in_turns
from benchmarks.serving.product_peers import (
    NAMES,
    check_product,
    products,
    relative_error,
)
from benchmarks.serving.slice.config import K_SCALE, MODEL, V_SCALE
from benchmarks.serving.slice.tensors import fill_normal, random_weight
from regard.common.rows import Measurement
from regard.serving.kernels.block_scaled.launch import Launch, Rows, Weight
from regard.serving.kernels.block_scaled.linear import linear_parts, query_projection
from regard.serving.kernels.block_scaled.reference import (
    dequantise_rows,
    fp8_linear_reference,
    quantise_rows,
)
from regard.serving.kernels.latent_append.reference import latent_append_reference, rotate
from regard.serving.kernels.norm_quantise.reference import sum_norm_quantise_reference

SEED = 2
TOLERANCE = 5e-3
HIDDEN, LATENT, HEAD_DIM = MODEL.hidden_size, MODEL.query_low_rank, MODEL.head_dim
WIDE = MODEL.num_heads * HEAD_DIM
EPS = MODEL.rms_norm_eps
QKV_PARTS, OUT_PARTS, NUM_RECEIVED = 6, 2, 2
"""As in the slice."""
CONTEXT = 4096
WEIGHT_BYTES = (LATENT + 2 * HEAD_DIM) * HIDDEN + WIDE * LATENT + HIDDEN * WIDE


@dataclass(frozen=True)
class Layer:
    """Weights of one layer."""

    qkv: Weight
    query: Weight
    out: Weight


class Buffers:
    """Everything else, shared by the layers as in a step."""

    def __init__(self, tokens: int, device: torch.device) -> None:
        """Random inputs; outputs are NaN until something is written."""
        draw = torch.Generator(device=device).manual_seed(SEED)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=draw, device=device)

        def nan(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.full(shape, torch.nan, dtype=dtype, device=device)

        self.residual = normal(tokens, HIDDEN)
        self.received = normal(NUM_RECEIVED, tokens, HIDDEN).bfloat16()
        self.norm, self.inner_norm = (
            torch.rand(size, generator=draw, device=device) + 0.5 for size in (HIDDEN, LATENT)
        )
        self.x, self.latent, self.attended, self.message = (
            Rows(*quantise_rows(normal(tokens, size))) for size in (HIDDEN, LATENT, WIDE, HIDDEN)
        )
        self.qkv = nan(QKV_PARTS, tokens, LATENT + 2 * HEAD_DIM)
        self.query = nan(tokens, WIDE, dtype=torch.bfloat16)
        self.out = nan(OUT_PARTS, tokens, HIDDEN)
        theta = torch.rand(tokens, HEAD_DIM // 2, generator=draw, device=device) * 6
        self.cos, self.sin = theta.cos(), theta.sin()
        self.cache = torch.empty(
            tokens * CONTEXT // 64, 2, 64, HEAD_DIM, dtype=torch.float8_e4m3fn, device=device
        )
        fill_normal(self.cache, draw, 1 / K_SCALE)
        pages = torch.randperm(len(self.cache), generator=draw, device=device)
        self.table = pages.view(tokens, -1).int()
        self.positions = torch.full((tokens,), CONTEXT - 1, dtype=torch.int32, device=device)

    def append_arguments(self, cache: Tensor) -> tuple[tuple[object, ...], dict[str, float]]:
        """Of the append, from the sums of the first projection."""
        places = (self.cos, self.sin, self.positions, self.table, cache)
        return (self.qkv, self.inner_norm, EPS, *places), {"k_scale": K_SCALE, "v_scale": V_SCALE}


def draw_layers(count: int, device: torch.device) -> list[Layer]:
    """Layers of random weights."""
    draw = torch.Generator(device=device).manual_seed(SEED)
    return [
        Layer(
            random_weight(LATENT + 2 * HEAD_DIM, HIDDEN, draw, device),
            random_weight(WIDE, LATENT, draw, device),
            random_weight(HIDDEN, WIDE, draw, device),
        )
        for _ in range(count)
    ]


def launches(layer: Layer, to: Buffers) -> tuple[Launch, Launch, Launch]:
    """The three products of a layer."""
    return (
        linear_parts(to.x, layer.qkv, to.qkv),
        query_projection(to.latent, layer.query, to.cos, to.sin, to.query),
        linear_parts(to.attended, layer.out, to.out),
    )


def bare_call(layer: Layer, to: Buffers) -> Callable[[], None]:
    """The products, with rotation in the second."""
    made = launches(layer, to)

    def call() -> None:
        for each in made:
            each()

    return call


def fused_call(layer: Layer, to: Buffers) -> Callable[[], None]:
    """What a layer does on an attention GPU, without attention and router."""
    from regard.serving.kernels.latent_append.gpu import latent_append_gpu
    from regard.serving.kernels.norm_quantise.gpu import quantise_gpu, sum_norm_quantise_gpu

    qkv, query, out = launches(layer, to)
    arguments, factors = to.append_arguments(to.cache)

    def norm(parts: Tensor, rows: Rows) -> None:
        sum_norm_quantise_gpu(to.residual, parts, to.norm, EPS, out=rows.values, scales=rows.scales)

    def call() -> None:
        norm(to.received, to.x)
        qkv()
        latent_append_gpu(*arguments, **factors, out=to.latent.values, scales=to.latent.scales)
        query()
        # Queries stand in for what attention makes of them: as many numbers of the same type.
        quantise_gpu(to.query, out=to.attended.values, scales=to.attended.scales)
        out()
        norm(to.out, to.message)

    return call


def wide(rows: Rows) -> Tensor:
    """Rows in float32."""
    return dequantise_rows(rows.values, rows.scales)


def product(x: Rows, weight: Weight) -> Tensor:
    """The reference's."""
    return fp8_linear_reference(x.values, x.scales, weight.values, weight.scales)


def rotated(queries: Tensor, at: Buffers) -> Tensor:
    """Heads of projected queries, turned."""
    return torch.cat([rotate(h, at.cos, at.sin) for h in queries.split(HEAD_DIM, dim=1)], dim=1)


def newest(cache: Tensor, at: Buffers) -> Tensor:
    """The keys and values of the last position of each sequence, in the cache's units."""
    return cache[at.table[:, -1].long(), :, -1].float()


def check_bare(layer: Layer, to: Buffers) -> float:
    """The largest error of the three products."""
    for each in (to.qkv, to.query, to.out):
        each.fill_(torch.nan)
    bare_call(layer, to)()
    return max(
        relative_error(to.qkv.sum(0), product(to.x, layer.qkv)),
        relative_error(to.query, rotated(product(to.latent, layer.query), to)),
        relative_error(to.out.sum(0), product(to.attended, layer.out)),
    )


def check_fused(layer: Layer, to: Buffers) -> float:
    """The largest error of a stage, each against its reference on what the stage before left."""
    before, cache = to.residual.clone(), to.cache.clone()
    for each in (to.qkv, to.query, to.out):
        each.fill_(torch.nan)
    fused_call(layer, to)()
    middle, _, *x = sum_norm_quantise_reference(before, to.received, to.norm, EPS)
    arguments, factors = to.append_arguments(cache)
    latent = latent_append_reference(*arguments, **factors)  # type: ignore[arg-type]
    after, _, *message = sum_norm_quantise_reference(middle, to.out, to.norm, EPS)
    stages = {
        "norm before": (wide(to.x), dequantise_rows(*x)),
        "projection down": (to.qkv.sum(0), product(to.x, layer.qkv)),
        "inner norm": (wide(to.latent), dequantise_rows(*latent)),
        "append": (newest(to.cache, to), newest(cache, to)),
        "projection up": (to.query, rotated(product(to.latent, layer.query), to)),
        "quantisation": (wide(to.attended), dequantise_rows(*quantise_rows(to.query))),
        "projection out": (to.out.sum(0), product(to.attended, layer.out)),
        "residual": (to.residual, after),
        "norm after": (wide(to.message), dequantise_rows(*message)),
    }
    errors = {name: relative_error(*pair) for name, pair in stages.items()}
    for name, error in errors.items():
        # Bfloat16 values often stand right between two of e4m3, and either is right.
        if not error < (2e-2 if name == "quantisation" else TOLERANCE):
            raise SystemExit(f"{name} is wrong: relative error {error:.4f}")
    return max(errors.values())


def measure(
    tokens: int, device: torch.device, repeats: int, copy_speed: float
) -> list[Measurement]:
    """The rows of one number of tokens, after every contender's check."""
    layers = draw_layers(num_sets(WEIGHT_BYTES), device)
    to = Buffers(tokens, device)
    error = check_bare(layers[0], to)
    if not error < TOLERANCE:
        raise SystemExit(f"a projection is wrong: relative error {error:.4f}")
    contenders: dict[str, list[Callable[[], object]]] = {
        "": [bare_call(layer, to) for layer in layers],
        "fused_": [fused_call(layer, to) for layer in layers],
    }
    notes = {
        "": f"relative error {error:.4f} against float32; rotation in the second product",
        "fused_": f"relative error at most {check_fused(layers[0], to):.4f} stage by stage; with "
        "sums, norms, quantisation, rotation and append; without attention",
    }
    inputs = (to.x, to.latent, to.attended)
    for name, multiply in products().items():
        pairs = [tuple(zip(inputs, (w.qkv, w.query, w.out), strict=True)) for w in layers]
        worst = max(check_product(name, *pair) for pair in pairs[0])
        contenders[f"{name}_"] = [
            lambda own=own, multiply=multiply: [multiply(*pair) for pair in own] for own in pairs
        ]
        notes[f"{name}_"] = f"{NAMES[name]}; relative error {worst:.4f}; three bare products"
    times = time_in_turns(list(contenders.values()), repeats)
    rows = []
    for name, values in zip(contenders, times, strict=True):
        speed = WEIGHT_BYTES / (median(values) * 1e-6)
        rows.append(
            row(
                f"projections_{name}us/{tokens}",
                "us",
                values,
                f"{speed / 1e12:.2f} TB/s of weights, {speed / copy_speed:.2f} of a copy in this "
                f"run ({copy_speed / 1e12:.2f} TB/s); {notes[name]}; {CALLS} layers back to back "
                f"in a CUDA graph, {len(layers)} sets of weights",
                ("sgl-deep-gemm",),
            )
        )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Check, measure, print, and write rows where asked."""
    return measure_tokens(
        "benchmarks.serving.projections",
        measure,
        description=__doc__ or "",
        tokens=(128, 160, 192),
        multiple=4,
        most=192,
        seed=SEED,
        argv=argv,
    )


if __name__ == "__main__":
    sys.exit(main())
