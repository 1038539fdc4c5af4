"""`regard bench offline`: the engine in this process."""

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from regard.common.progress import progress_bar
from regard.serving.bench.errors import require
from regard.serving.bench.offline_result import OfflineResult, offline_result
from regard.serving.bench.prompts import random_prompts
from regard.serving.bench.report import as_data, print_json, print_offline
from regard.serving.config import EngineConfig
from regard.serving.sampling_params import SamplingParams

if TYPE_CHECKING:
    from regard.serving.llm import LLM

PROGRAM = "regard bench offline"
WARM_UP_TOKENS = 4


@dataclass(frozen=True, kw_only=True)
class OfflineOptions(EngineConfig):
    """Measure tokens/s of the engine in this process, at several concurrencies.

    Each run gives the engine that many different random prompts at once and takes greedy answers
    of exactly the output length.

    Example: regard bench offline --concurrency 1 8 --repeats 5
    """

    concurrency: tuple[int, ...] = (1, 4, 16)
    """How many prompts at once; one line of the table for each."""
    input_len: int = 128
    """Tokens of each prompt."""
    output_len: int = 64
    """Tokens of each answer."""
    repeats: int = 3
    """Timed runs at each concurrency, after one that is not timed."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON instead of a table."""
    loras: Annotated[tuple[tuple[str, str], ...], tyro.conf.Suppress] = ()
    """Adapters are not measured."""

    @property
    def engine_config(self) -> EngineConfig:
        """The engine's part."""
        names = [field.name for field in dataclasses.fields(EngineConfig)]
        return EngineConfig(**{name: getattr(self, name) for name in names})

    def check(self) -> None:
        """Refuses what cannot be measured.

        Raises:
            BenchError: says which flag and what it may be.
        """
        require(bool(self.concurrency), "--concurrency", "empty", "one or more numbers")
        for concurrency in self.concurrency:
            require(
                1 <= concurrency <= self.max_num_seqs,
                "--concurrency",
                concurrency,
                f"from 1 to --max-num-seqs, which is {self.max_num_seqs}",
            )
        for flag, value in (
            ("--input-len", self.input_len),
            ("--output-len", self.output_len),
            ("--repeats", self.repeats),
        ):
            require(value >= 1, flag, value, "at least 1")


def main(argv: Sequence[str]) -> int:
    """Loads a model, measures it and prints the speeds.

    Raises:
        BenchError: an option that cannot be.
        WeightsError: a model file that cannot be used.
    """
    options = tyro.cli(OfflineOptions, prog=PROGRAM, args=list(argv))
    options.check()
    # What follows loads torch, which --help and a wrong flag need not wait for.
    from regard.serving.llm import LLM

    config = options.engine_config
    llm = LLM(**{field.name: getattr(config, field.name) for field in dataclasses.fields(config)})
    results = measure(llm, options)
    if options.json:
        print_json(dataclasses.asdict(options), [as_data(result) for result in results])
    else:
        title = (
            f"{llm.engine.loaded.name}, {options.mode} mode: {options.input_len} tokens in, "
            f"{options.output_len} out"
        )
        print_offline(results, title)
    return 0


def measure(llm: "LLM", options: OfflineOptions) -> list[OfflineResult]:
    """Runs every concurrency `repeats` times and once before.

    Raises:
        ContextLengthError: the lengths do not fit the model.
    """
    vocabulary = range(llm.tokenizer.vocab_size)
    token_ids = [token for token in vocabulary if not llm.tokenizer.is_special(token)]
    num_runs = len(options.concurrency) * (options.repeats + 1)
    results = []
    with progress_bar("measuring", total=num_runs) as advance:
        for concurrency in options.concurrency:
            seconds = []
            for number in range(options.repeats + 1):
                # New prompts for every run: the prefix cache would know the old ones.
                seed = (options.seed, concurrency, number)
                prompts = random_prompts(concurrency, options.input_len, token_ids, seed)
                output_len = (
                    options.output_len if number else min(WARM_UP_TOKENS, options.output_len)
                )
                seconds.append(_timed_run(llm, prompts, output_len))
                advance(1)
            results.append(
                offline_result(
                    concurrency,
                    concurrency * options.input_len,
                    concurrency * options.output_len,
                    tuple(seconds[1:]),
                )
            )
    return results


def _timed_run(llm: "LLM", prompts: Sequence[Sequence[int]], output_len: int) -> float:
    params = SamplingParams(temperature=0.0, max_tokens=output_len, ignore_eos=True)
    started = time.perf_counter()
    llm.generate(prompts, params, progress=False)
    return time.perf_counter() - started
