"""What must hold before anything is timed.

- The first layers against the same computation in float64 without rounded activations, for 64
  tokens: kernels may not be further from it than plain torch with the same rounding, times a
  margin. That is the bound of FP8, measured on the same tokens.
- Four layers in exact mode: every topology samples the same tokens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks.serving.full.attention_side import Chunk
from benchmarks.serving.full.build import Operators, build_step, plain_operators
from benchmarks.serving.full.config import ROW_MULTIPLE, FullConfig
from benchmarks.serving.full.machine import Machine
from benchmarks.serving.full.plain import PlainAttention
from benchmarks.serving.full.step import FullStep
from benchmarks.serving.full.timing import check_capacity
from benchmarks.serving.full.weights import Weights, draw_weights

Devices = tuple[list[torch.device], list[torch.device]]
MakeMachine = Callable[[Devices], Machine]

NUM_LAYERS, NUM_TOKENS = 8, 64
MARGIN, WORST_MARGIN = 1.25, 1.5
"""Kernels round at other places within a product than plain torch does, not more often; the second
is for the token that is worst, which a single lost expert would show in."""
LARGEST_ERROR = 0.1
"""Of what the layers add, whatever plain torch gives."""
EXACT_LAYERS, EXACT_STEPS, EXACT_PARTS = 4, 4, 40
EXACT_ROWS = 4
EXACT_CONTEXT = 256


class CheckError(RuntimeError):
    """Something computed is wrong; nothing may be timed."""


@dataclass(frozen=True)
class Run:
    """What one step left."""

    hidden: Tensor
    """(tokens, hidden) float64, of all parts in order."""
    embedded: Tensor
    """The same before the first layer."""
    routes: dict[tuple[int, int], Tensor]
    """(rows, choices) of each layer and part."""
    num_differing: int
    """Choices that were prescribed and would have been others."""


def check_layers(
    config: FullConfig, make_machine: MakeMachine, devices: Devices, operators: Operators
) -> str:
    """Compares the first layers; returns a line for the notes.

    Raises:
        CheckError: An error is too large.
    """
    batch = -(-NUM_TOKENS // config.num_attention // ROW_MULTIPLE) * ROW_MULTIPLE
    short = replace(config.shortened(NUM_LAYERS), batch=batch, num_microbatches=1, exact=False)
    weights = draw_weights(short, *devices)
    found = _one_step(short, make_machine(devices), devices, weights, operators, None)
    plain = plain_operators()
    rounded = _one_step(short, make_machine(devices), devices, weights, plain, found.routes)
    exact = _one_step(
        replace(short, exact=True), make_machine(devices), devices, weights, plain, found.routes
    )
    error, bound = _error(found, exact), _error(rounded, exact)
    worst, worst_bound = _worst(found, exact), _worst(rounded, exact)
    line = (
        f"{short.num_layers} layers, {NUM_TOKENS} tokens: error {error:.4f} of what the layers "
        f"add, {worst:.4f} of the worst token's, {_relative(found, exact):.4f} of the hidden "
        f"states; plain torch with the same rounding {bound:.4f} and {worst_bound:.4f}; "
        f"{exact.num_differing} routes would be others unrounded"
    )
    if not (error <= min(MARGIN * bound, LARGEST_ERROR) and worst <= WORST_MARGIN * worst_bound):
        raise CheckError(
            f"the layers are wrong: {line}; allowed is {MARGIN} and {WORST_MARGIN} times as much"
        )
    return line


def _one_step(
    config: FullConfig,
    machine: Machine,
    devices: Devices,
    weights: Weights,
    operators: Operators,
    routes: dict[tuple[int, int], Tensor] | None,
) -> Run:
    """One step without a graph; with the routes of another run where they are given."""
    step = build_step(config, machine, devices, weights, operators)
    kept: dict[tuple[int, int], Tensor] = {}
    for each in step.attention:
        if routes is not None:
            assert isinstance(each, PlainAttention)
            each.forced = lambda layer, chunk: routes[layer, chunk.number].to(chunk.tokens.device)

    def watch(queue: object, name: str, layer: int, microbatch: int, peer: int = 0) -> None:
        if name == "attention-" and not config.is_dense(layer):
            for index, main in enumerate(step.main):
                if main is queue:
                    for chunk in step.attention[index].side.microbatches[microbatch]:
                        main.run(lambda chunk=chunk: _keep(kept, layer, chunk))

    embedded = torch.cat(
        [_embed(each.side.weights.embedding, chunk) for each, chunk in _ordered(step)]
    )
    step.upload()
    step.issue(watch)
    machine.synchronize()
    check_capacity(step)
    hidden = torch.cat([chunk.residual.double().cpu() for _, chunk in _ordered(step)])
    differing = sum(getattr(each, "num_differing", 0) for each in step.attention)
    return Run(hidden, embedded, kept, differing)


def _ordered(step: FullStep) -> list[tuple[object, Chunk]]:
    pairs = [(each, chunk) for each in step.attention for chunk in each.side.chunks]
    return sorted(pairs, key=lambda pair: pair[1].number)


def _embed(embedding: Tensor, chunk: Chunk) -> Tensor:
    return embedding[chunk.tokens].double().cpu()


def _keep(kept: dict[tuple[int, int], Tensor], layer: int, chunk: Chunk) -> None:
    kept[layer, chunk.number] = chunk.message.chosen.cpu().clone()


def _error(found: Run, exact: Run) -> float:
    """Of what the layers added."""
    first = slice(0, NUM_TOKENS)
    difference = (found.hidden - exact.hidden)[first].norm()
    return float(difference / (exact.hidden - exact.embedded)[first].norm())


def _worst(found: Run, exact: Run) -> float:
    """Of what the layers added to the token that is worst."""
    first = slice(0, NUM_TOKENS)
    difference = (found.hidden - exact.hidden)[first].norm(dim=1)
    return float((difference / (exact.hidden - exact.embedded)[first].norm(dim=1)).max())


def _relative(found: Run, exact: Run) -> float:
    """Of the hidden states."""
    first = slice(0, NUM_TOKENS)
    return float((found.hidden - exact.hidden)[first].norm() / exact.hidden[first].norm())


def exact_config(config: FullConfig, num_attention: int, num_ffn: int) -> FullConfig:
    """A dense layer and three with experts, the same sequences for every topology.

    40 parts of 4 sequences: 1, 2, 4 or 5 attention GPUs have as many each in two micro-batches.
    """
    first = config.model.moe_layers[0]
    layers = tuple(range(first - 1, first - 1 + EXACT_LAYERS))
    return replace(
        config,
        num_attention=num_attention,
        num_ffn=num_ffn,
        batch=EXACT_PARTS // 2 // num_attention * EXACT_ROWS,
        rows_at_a_time=EXACT_ROWS,
        num_microbatches=2,
        context=min(config.context, EXACT_CONTEXT),
        layers=layers,
        exact=True,
    )


def check_topologies(
    config: FullConfig,
    topologies: Sequence[tuple[int, int]],
    make_machine: MakeMachine,
    pick: Callable[[int, int], Devices],
) -> str:
    """Runs each topology in exact mode; returns a line for the notes.

    Raises:
        CheckError: Two sample different tokens.
    """
    seen: dict[str, Tensor] = {}
    for num_attention, num_ffn in topologies:
        devices = pick(num_attention, num_ffn)
        short = exact_config(config, num_attention, num_ffn)
        weights = draw_weights(short, *devices)
        step = build_step(short, make_machine(devices), devices, weights, plain_operators())
        steps = []
        for _ in range(EXACT_STEPS):
            step.run()
            steps.append(step.tokens())
        seen[short.topology] = torch.stack(steps)
    names = list(seen)
    for name in names[1:]:
        if not torch.equal(seen[names[0]], seen[name]):
            number = int((seen[names[0]] != seen[name]).sum())
            raise CheckError(f"{name} samples {number} other tokens than {names[0]} in exact mode")
    return (
        f"{', '.join(names)}: the same {seen[names[0]].numel()} tokens in exact mode, "
        f"{EXACT_LAYERS} layers x {EXACT_STEPS} steps"
    )
