"""What the AFD benchmarks share: which model, how many threads, where the rows go."""

import argparse
from collections.abc import Sequence

from regard.common.rows import Measurement, write_rows
from regard.serving.config import EngineConfig

SEED = 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of every AFD benchmark."""
    parser.add_argument(
        "--model",
        default=EngineConfig.model,
        help="as for `regard serve`; smollm2-135m is the default model's shape with random weights",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=0,
        help="of every process; by default one process has all cores, instances share them",
    )
    parser.add_argument("--write", action="store_true", help="append rows to results/")
    parser.add_argument("--commit", help="what is measured, where there is no git")


def engine_config(options: argparse.Namespace) -> EngineConfig:
    """The engine that the options ask for."""
    return EngineConfig(model=options.model, device="cpu", num_threads=options.threads)


def describe(config: EngineConfig) -> str:
    """Model, mode and threads, for a row's notes."""
    model = "SmolLM2 Q4_1" if config.model == EngineConfig.model else config.model
    threads = f"{config.num_threads} threads a process" if config.num_threads else "all cores"
    return f"{model}, {config.mode} mode, {threads}"


def write(rows: Sequence[Measurement], options: argparse.Namespace, command: str) -> None:
    """Append rows where `--write` asks for it, with the command that repeats them."""
    if not options.write:
        return
    if options.model != EngineConfig.model:
        command += f" --model {options.model}"
    if options.threads:
        command += f" --threads {options.threads}"
    write_rows("serving_afd", rows, command=f"{command} --write", seed=SEED, commit=options.commit)
