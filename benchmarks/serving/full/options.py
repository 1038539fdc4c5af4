"""The command line, and the cases that it asks for."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.serving.full.config import MODELS, FullConfig, SettingError, model_config
from benchmarks.serving.full.memory import check_memory, largest_batch
from benchmarks.serving.full.prediction import KINDS

EPILOG = """
examples:
  check, then time the whole model on eight GPUs, and write rows:
    python -m benchmarks.serving.afd_full --attention 4 --ffn 4 --batches 128 max --write
  the same orchestration on a CPU, in seconds:
    python -m benchmarks.serving.afd_full --model step3-mini --device cpu --attention 2 --ffn 3 \\
      --batches 8 --microbatches 2 --contexts 128 --steps 2
"""


def parser(description: str | None) -> argparse.ArgumentParser:
    """What can be asked for."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.serving.afd_full",
        description=description,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--model", choices=MODELS, default="step3")
    add("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: plain torch, a dry run")
    add("--attention", type=int, default=4, metavar="N", help="attention GPUs (default 4)")
    add("--ffn", type=int, default=4, metavar="N", help="FFN GPUs (default 4)")
    add("--batches", nargs="+", default=["128", "max"], metavar="N",
        help="sequences of a micro-batch on each attention GPU; max: as memory allows "
        "(default 128 max)")  # fmt: skip
    add("--microbatches", type=int, nargs="+", default=[1, 2, 3], metavar="N",
        help="(default 1 2 3)")  # fmt: skip
    add("--contexts", type=int, nargs="+", default=[4096, 8192], metavar="N",
        help="mean tokens of a sequence (default 4096 8192)")  # fmt: skip
    add("--fitting", action="store_true",
        help="leave out what does not fit in memory, instead of refusing it")  # fmt: skip
    add("--layers", type=int, metavar="N", help="only the model's first N (default all)")
    add("--steps", type=int, default=100, metavar="N", help="timed steps a case (default 100)")
    add("--room", type=float, default=2.0, metavar="X",
        help="rows that an expert has room for, in means (default 2)")  # fmt: skip
    add("--seed", type=int, default=0, help="of weights, caches, lengths and tokens")
    add("--one-gpu", action="store_true",
        help="all sides on the first GPU: for tests, with few --layers; writes no row")  # fmt: skip
    add("--eager", action="store_true", help="no CUDA graph: for finding faults; writes no row")
    _add_modes(made)
    return made


def _add_modes(made: argparse.ArgumentParser) -> None:
    modes = made.add_mutually_exclusive_group()
    modes.add_argument("--check", action="store_true",
                       help="only the checks that otherwise come before timing")  # fmt: skip
    modes.add_argument("--stages", action="store_true",
                       help="only time each stage alone, for the simulator")  # fmt: skip
    modes.add_argument("--predict", type=Path, metavar="FILE",
                       help="only write down what planner and simulator say of each case, from "
                       "committed rows; needs no GPU")  # fmt: skip
    add = made.add_argument
    add("--kind", choices=KINDS, default="h200", help="GPUs that --predict is for")
    add("--prediction", type=Path, metavar="FILE",
        help="what --predict wrote, for the notes of rows")  # fmt: skip
    add("--topologies", nargs="+", default=None, metavar="xAyF",
        help="that must sample the same tokens (default 1A1F, 1A3F and the given one, as far as "
        "the GPUs go)")  # fmt: skip
    add("--memory", type=float, metavar="GB",
        help="of a GPU, in place of what is free (what --predict takes: nominal)")  # fmt: skip
    add("--no-check", action="store_true", help="for trials; writes no row")
    add("--trace", type=Path, metavar="FILE", help="stage timeline of the last case, for Perfetto "
        "and regard afd report")  # fmt: skip
    add("--log", type=Path, metavar="FILE", help="raw log, with the time of every step")
    add("--commit", help="what is measured, where there is no git")
    add("--results", type=Path, help="another results folder")
    add("--write", action="store_true", help="append rows to results/")


def base_config(options: argparse.Namespace) -> FullConfig:
    """The case without batch, micro-batches and context."""
    config = FullConfig(
        model=model_config(options.model),
        num_attention=options.attention,
        num_ffn=options.ffn,
        batch=4,
        room=options.room,
        seed=options.seed,
    )
    return config if options.layers is None else config.shortened(options.layers)


def cases(options: argparse.Namespace, memory: float) -> list[FullConfig]:
    """All that is asked for, each of which fits GPUs of so many bytes.

    Raises:
        SettingError: One does not (with --fitting: none does), or cannot be.
    """
    found: list[FullConfig] = []
    misfit: SettingError | None = None
    for context in options.contexts:
        for count in options.microbatches:
            base = replace(base_config(options), context=context, num_microbatches=count)
            for text in options.batches:
                config = _sized(base, text, memory)
                try:
                    check_memory(config, memory)
                except SettingError as error:
                    if not options.fitting:
                        raise
                    misfit = error
                    continue
                if config not in found:
                    found.append(config)
    if misfit and not found:
        raise misfit
    return found


def _sized(base: FullConfig, text: str, memory: float) -> FullConfig:
    if text != "max":
        if not text.isdecimal():
            raise SettingError(f"--batches {text}: give numbers, or max")
        return replace(base, batch=int(text))
    largest = largest_batch(base, memory)
    if largest is None:
        check_memory(base, memory)
        raise SettingError("--batches max: not even a few sequences fit")
    return replace(base, batch=largest)


def topologies(options: argparse.Namespace, num_devices: int) -> Sequence[tuple[int, int]]:
    """Those that are compared in exact mode."""
    if options.topologies is not None:
        return [_parsed(text) for text in options.topologies]
    wanted = [(1, 1), (1, 3), (options.attention, options.ffn)]
    return [each for each in dict.fromkeys(wanted) if sum(each) <= num_devices]


def _parsed(text: str) -> tuple[int, int]:
    attention, _, rest = text.upper().partition("A")
    ffn, _, end = rest.partition("F")
    if not (attention.isdecimal() and ffn.isdecimal() and not end):
        raise SettingError(f"--topologies {text}: write it as 4A4F")
    return int(attention), int(ffn)
