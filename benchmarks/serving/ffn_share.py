"""One FFN GPU's share of a Step-3 layer: permute, gate, up, SwiGLU, quantise, down, combine.

What is timed is what the slice runs (`slice/ffn_gpu.py`): three whole experts of 48, those of the
busiest of 16 GPUs, and 384 columns of the shared expert. Beside it the bare products of cuBLAS and
DeepGEMM on the same operands in the same run, without anything between them.
"""

import sys
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from benchmarks.serving.device_timing import CALLS, measure_tokens, num_sets, row, time_in_turns
from benchmarks.serving.product_peers import (
    NAMES,
    DeepGemm,
    check_product,
    cublas_product,
    deep_gemm,
    deep_gemm_product,
    relative_error,
)
from benchmarks.serving.slice.config import (
    MODEL,
    NUM_ATTENTION,
    NUM_FFN,
    NUM_OWNED,
    SHARED_WIDTH,
    SliceConfig,
)
from regard.common.rows import Measurement
from regard.serving.kernels.block_scaled.launch import Rows, Weight
from regard.serving.kernels.block_scaled.reference import (
    fp8_linear_reference,
    gated_linear_reference,
    quantise_rows,
)
from regard.serving.kernels.combine.reference import combine_reference
from regard.serving.kernels.routing.reference import dispatch_reference

if TYPE_CHECKING:
    from benchmarks.serving.slice.ffn_gpu import FfnGpu, FfnWeights

SEED = 3
TOLERANCE = 1e-2
HIDDEN, WIDTH = MODEL.hidden_size, MODEL.moe_intermediate_size
WEIGHT_BYTES = 3 * HIDDEN * (NUM_OWNED * WIDTH + SHARED_WIDTH)
NUM_DENSE = 1
"""Layers without experts in a shortened model; they come first and are not timed."""


def prepare(tokens: int, device: torch.device) -> "FfnGpu":
    """The FFN GPU with an inbox full of tokens that differ, and their routes."""
    from benchmarks.serving.slice.ffn_gpu import FfnGpu
    from benchmarks.serving.slice.ffn_kernels import gather
    from regard.serving.kernels.routing.gpu import dispatch_gpu

    layers = NUM_DENSE + num_sets(WEIGHT_BYTES)
    config = SliceConfig(
        batch=tokens // NUM_ATTENTION, num_microbatches=2, num_layers=layers, seed=SEED
    )
    ffn = FfnGpu(config, device)
    inbox = ffn.inboxes[0]
    gather(ffn.pool, ffn.step, 0, (inbox.rows, inbox.chosen, inbox.shares), 0)
    dispatch_gpu(inbox.chosen, NUM_FFN, inbox.dispatch, ffn.most)
    return ffn


def expected_partial(ffn: "FfnGpu", weights: "FfnWeights") -> Tensor:
    """The share by the references, with what lies between the halves rounded to e4m3."""
    inbox, capacity = ffn.inboxes[0], ffn.config.capacity
    dispatch = dispatch_reference(inbox.chosen, NUM_FFN, NUM_OWNED, capacity)
    device, split = inbox.chosen.device, 2 * NUM_OWNED * WIDTH
    x, gated = inbox.rows, weights.gated
    counts = dispatch.counts.tolist()
    tokens = [order[:count] for order, count in zip(dispatch.order, counts, strict=True)]
    routed = gated_linear_reference(
        x.values, x.scales, gated.values[:split], gated.scales[: split // 128], tokens
    )
    (shared,) = gated_linear_reference(
        x.values,
        x.scales,
        gated.values[split:],
        gated.scales[split // 128 :],
        [torch.arange(len(x.values), device=device)],
    )
    results = torch.zeros(NUM_OWNED * capacity, HIDDEN, device=device)
    for expert, hidden in enumerate(routed):
        own = expert_weight(weights.down, expert, HIDDEN)
        begin = expert * capacity
        results[begin : begin + len(hidden)] = fp8_linear_reference(
            *quantise_rows(hidden), own.values, own.scales
        )
    down = weights.shared_down
    total = fp8_linear_reference(*quantise_rows(shared), down.values, down.scales)
    return combine_reference(total, results, dispatch.slots, inbox.shares)


def expert_weight(stack: Weight | None, expert: int, outer: int) -> Weight:
    """One expert's of a stack."""
    assert stack is not None
    rows, blocks = slice(expert * outer, (expert + 1) * outer), outer // 128
    return Weight(stack.values[rows], stack.scales[expert * blocks : (expert + 1) * blocks])


def share(ffn: "FfnGpu", layer: int) -> None:
    """All of it; in the slice the permutation runs beside the stage before."""
    ffn.sort(0)
    ffn.compute_share(layer, 0)


def check(ffn: "FfnGpu") -> float:
    """The error of the share.

    Raises:
        SystemExit: It is too large, or an expert had more tokens than there is room for.
    """
    if int(ffn.most) > ffn.config.capacity:
        raise SystemExit(f"an expert has {int(ffn.most)} tokens; room is {ffn.config.capacity}")
    ffn.partial.fill_(torch.nan)
    ffn.routed_out.fill_(torch.nan)
    share(ffn, NUM_DENSE)
    error = relative_error(ffn.partial, expected_partial(ffn, ffn.layers[NUM_DENSE]))
    if not error < TOLERANCE:
        raise SystemExit(f"the share is wrong: relative error {error:.4f}, {TOLERANCE} allowed")
    return error


def shared_products(ffn: "FfnGpu", weights: "FfnWeights") -> list[tuple[Rows, Weight]]:
    """Both halves of the shared expert."""
    begin = 2 * NUM_OWNED * WIDTH
    gated = Weight(weights.gated.values[begin:], weights.gated.scales[begin // 128 :])
    return [(ffn.inboxes[0].rows, gated), (ffn.shared, weights.shared_down)]


def cublas_call(ffn: "FfnGpu", weights: "FfnWeights", counts: list[int]) -> Callable[[], object]:
    """The products of all experts one after the other; the host knows how many tokens each has."""
    pairs = shared_products(ffn, weights)
    for rows, stack, outer in (
        (ffn.inboxes[0].owned_rows, weights.gated, 2 * WIDTH),
        (ffn.routed, weights.down, HIDDEN),
    ):
        for expert, count in enumerate(counts):
            begin = expert * ffn.config.capacity
            here = slice(begin, begin + -(-count // 16) * 16)
            own = Rows(rows.values[here], rows.scales[:, here])
            pairs.append((own, expert_weight(stack, expert, outer)))
    return lambda: [cublas_product(*pair) for pair in pairs]


def grouped_call(
    ffn: "FfnGpu", rows: Rows, stack: Weight | None, outer: int
) -> Callable[[], Tensor]:
    """DeepGEMM's product of each routed expert with its tokens; counts stand on the GPU."""
    assert stack is not None
    library, capacity = DeepGemm(ffn.device), ffn.config.capacity
    scales = rows.scales.view(-1, NUM_OWNED, capacity).transpose(0, 1).contiguous()
    own = Rows(rows.values, scales)
    out = torch.full((NUM_OWNED, capacity, outer), torch.nan, device=scales.device).bfloat16()
    counts, mean = ffn.inboxes[0].dispatch.counts, ffn.config.num_tokens // NUM_FFN

    def call() -> Tensor:
        library.grouped(own, stack, out, counts, mean)
        return out

    return call


def deep_gemm_call(ffn: "FfnGpu", weights: "FfnWeights") -> Callable[[], object]:
    """Both grouped products, and both halves of the shared expert."""
    gated = grouped_call(ffn, ffn.inboxes[0].owned_rows, weights.gated, 2 * WIDTH)
    down = grouped_call(ffn, ffn.routed, weights.down, HIDDEN)
    pairs = shared_products(ffn, weights)
    return lambda: [gated(), down(), *(deep_gemm_product(*pair) for pair in pairs)]


def check_grouped(ffn: "FfnGpu", weights: "FfnWeights") -> float:
    """DeepGEMM's error in the first expert's down projection."""
    count, own = int(ffn.inboxes[0].dispatch.counts[0]), expert_weight(weights.down, 0, HIDDEN)
    found = grouped_call(ffn, ffn.routed, weights.down, HIDDEN)()[0, :count]
    x, scales = ffn.routed.values[:count], ffn.routed.scales[:, :count]
    error = relative_error(found, fp8_linear_reference(x, scales, own.values, own.scales))
    if not error < TOLERANCE:
        raise SystemExit(f"{NAMES['deep_gemm']} is wrong: relative error {error:.4f}")
    return error


def measure(
    tokens: int, device: torch.device, repeats: int, copy_speed: float
) -> list[Measurement]:
    """The rows of one number of tokens, after every contender's check."""
    ffn = prepare(tokens, device)
    error = check(ffn)
    counts = ffn.inboxes[0].dispatch.counts.tolist()
    numbers = range(NUM_DENSE, ffn.config.num_layers)
    layers = [ffn.layers[number] for number in numbers]
    contenders: dict[str, list[Callable[[], object]]] = {
        "": [lambda number=number: share(ffn, number) for number in numbers],
        "cublas_": [cublas_call(ffn, each, counts) for each in layers],
    }
    worst = max(check_product("cublas", *pair) for pair in shared_products(ffn, layers[0]))
    notes = {
        "": f"relative error {error:.4f} against float32; all from permutation to combination, "
        "some multiprocessors left to the wire as in the slice",
        "cublas_": f"{NAMES['cublas']}; relative error {worst:.4f}; bare products",
    }
    if deep_gemm() is not None:
        notes["deep_gemm_"] = (
            f"{NAMES['deep_gemm']}, masked; relative error {check_grouped(ffn, layers[0]):.4f}; "
            "bare products"
        )
        contenders["deep_gemm_"] = [deep_gemm_call(ffn, each) for each in layers]
    times = time_in_turns(list(contenders.values()), repeats)
    rows = []
    for name, values in zip(contenders, times, strict=True):
        speed = WEIGHT_BYTES / (median(values) * 1e-6)
        rows.append(
            row(
                f"ffn_share_{name}us/{tokens}",
                "us",
                values,
                f"{speed / 1e12:.2f} TB/s of weights, {speed / copy_speed:.2f} of a copy in this "
                f"run ({copy_speed / 1e12:.2f} TB/s); experts of the busiest of {NUM_FFN} GPUs "
                f"with {counts} tokens; {notes[name]}; {CALLS} layers back to back in a CUDA "
                f"graph, {len(layers)} sets of weights",
                ("sgl-deep-gemm",),
            )
        )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Check, measure, print, and write rows where asked."""
    return measure_tokens(
        "benchmarks.serving.ffn_share",
        measure,
        description=__doc__ or "",
        tokens=(2048, 2560),
        multiple=4 * NUM_ATTENTION,
        most=192 * NUM_ATTENTION,
        seed=SEED,
        argv=argv,
    )


if __name__ == "__main__":
    sys.exit(main())
