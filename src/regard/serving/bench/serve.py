"""`regard bench serve`: load on a running server."""

import asyncio
import dataclasses
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from regard.common.progress import progress_bar
from regard.serving.api_client import ApiClient
from regard.serving.bench.arrivals import arrival_offsets, arrivals
from regard.serving.bench.client import TimedAnswer, timed_answer
from regard.serving.bench.errors import BenchError, require
from regard.serving.bench.prompts import built_in_prompts, random_prompts
from regard.serving.bench.report import as_data, print_json, print_summary
from regard.serving.bench.summary import Summary, summarise

PROGRAM = "regard bench serve"
PATHS = {"openai": "/completions", "openai-chat": "/chat/completions"}
# Of the ids below --vocab-size the first are left out: special tokens stand there.
SPECIAL_SHARE = 16
HIDDEN = ("api_key", "json")


@dataclass(frozen=True, kw_only=True)
class ServeBenchOptions:
    """Send streaming requests to a server with OpenAI's API and time its answers.

    Flags are named as vLLM's. Time to first token counts from when a request is sent, not from
    when it began to wait for --max-concurrency.

    Example: regard bench serve --num-prompts 64 --request-rate 4 --input-len 128
    """

    base_url: str = "http://127.0.0.1:8000"
    """Address of the server."""
    backend: Literal["openai", "openai-chat"] = "openai"
    """/v1/completions or /v1/chat/completions."""
    model: str | None = None
    """Which served model; the first by default."""
    api_key: str | None = None
    """Sent as a bearer token."""
    num_prompts: int = 64
    """Requests."""
    request_rate: float = math.inf
    """Requests a second on average, arriving as a Poisson process; inf sends all at once."""
    max_concurrency: int | None = None
    """Most requests on their way at a time; by default no limit."""
    input_len: int | None = None
    """Random prompts of so many tokens (backend openai); by default questions in English."""
    output_len: int = 128
    """Most tokens of an answer; random prompts get exactly so many."""
    ignore_eos: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Exactly --output-len tokens for the English questions too."""
    temperature: float = 0.0
    """0 always takes the likeliest token."""
    vocab_size: int = 16384
    """Random prompts are of token ids below this; the model must know them."""
    num_warmups: int = 1
    """Requests before the clock starts, one after another."""
    seed: int = 0
    """Seed of arrivals, random prompts and sampling."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print JSON instead of tables."""

    def check(self) -> None:
        """Refuses what cannot be measured.

        Raises:
            BenchError: says which flag and what it may be.
        """
        require(self.request_rate > 0, "--request-rate", self.request_rate, "above 0, or inf")
        require(self.num_warmups >= 0, "--num-warmups", self.num_warmups, "at least 0")
        require(self.seed >= 0, "--seed", self.seed, "at least 0")
        require(self.vocab_size >= 2, "--vocab-size", self.vocab_size, "at least 2")
        for flag, value in (
            ("--num-prompts", self.num_prompts),
            ("--max-concurrency", self.max_concurrency),
            ("--input-len", self.input_len),
            ("--output-len", self.output_len),
        ):
            require(value is None or value >= 1, flag, value, "at least 1")
        if self.input_len is not None and self.backend == "openai-chat":
            raise BenchError(
                "--input-len needs --backend openai: a chat template would change the length"
            )


def main(argv: Sequence[str]) -> int:
    """Loads a server and prints what it did.

    Raises:
        BenchError: an option that cannot be, or no request was answered.
        ServerError: the server cannot be reached, or refuses a warm-up.
    """
    options = tyro.cli(ServeBenchOptions, prog=PROGRAM, args=list(argv))
    options.check()
    model, summary = asyncio.run(_main(options))
    if not summary.completed:
        raise BenchError(f"all {summary.failed} requests failed: {next(iter(summary.errors))}")
    if options.json:
        settings = dataclasses.asdict(options) | {"model": model}
        print_json({k: v for k, v in settings.items() if k not in HIDDEN}, as_data(summary))
    else:
        rate = "all at once" if math.isinf(options.request_rate) else f"{options.request_rate:g}/s"
        print_summary(summary, f"{model} at {options.base_url}, requests: {rate}")
    return 0


async def _main(options: ServeBenchOptions) -> tuple[str, Summary]:
    async with ApiClient(options.base_url, options.api_key) as client:
        model = await client.choose_model(options.model)
        return model, await measure(client, model, options)


async def measure(client: ApiClient, model: str, options: ServeBenchOptions) -> Summary:
    """Warms the server up, sends the requests as they arrive and waits for all answers.

    Raises:
        BenchError: a warm-up failed.
    """
    bodies = request_bodies(options, model)
    path = PATHS[options.backend]
    for body in bodies[: options.num_warmups]:
        answer = await timed_answer(client, path, body)
        if answer.error is not None:
            raise BenchError(f"the warm-up failed: {answer.error}")
    offsets = arrival_offsets(options.num_prompts, options.request_rate, options.seed)
    with progress_bar("requests", total=options.num_prompts) as advance:
        started = time.perf_counter()
        answers = await _send_all(
            lambda number: timed_answer(client, path, bodies[options.num_warmups + number]),
            offsets,
            options.max_concurrency,
            advance,
        )
        duration = time.perf_counter() - started
    return summarise(answers, duration)


def request_bodies(options: ServeBenchOptions, model: str) -> list[dict[str, Any]]:
    """The warm-ups' bodies, then those that are timed; all differ, as prompts in use do."""
    count = options.num_warmups + options.num_prompts
    shared: dict[str, Any] = {
        "model": model,
        "max_tokens": options.output_len,
        "temperature": options.temperature,
    }
    if options.ignore_eos or options.input_len is not None:
        shared["ignore_eos"] = True
    prompts: Sequence[str | list[int]]
    if options.input_len is None:
        prompts = built_in_prompts(count)
    else:
        token_ids = range(options.vocab_size // SPECIAL_SHARE, options.vocab_size)
        prompts = random_prompts(count, options.input_len, token_ids, options.seed)
    bodies = []
    for number, prompt in enumerate(prompts):
        own: dict[str, Any] = {"prompt": prompt}
        if options.backend == "openai-chat":
            own = {"messages": [{"role": "user", "content": prompt}]}
        if options.temperature > 0:
            own["seed"] = options.seed + number
        bodies.append(shared | own)
    return bodies


async def _send_all(
    send: Callable[[int], Awaitable[TimedAnswer]],
    offsets: Sequence[float],
    max_concurrency: int | None,
    advance: Callable[[float], None],
) -> list[TimedAnswer]:
    limit = nullcontext() if max_concurrency is None else asyncio.Semaphore(max_concurrency)

    async def send_one(number: int) -> TimedAnswer:
        async with limit:
            answer = await send(number)
        advance(1)
        return answer

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(send_one(number)) async for number in arrivals(offsets)]
    return [task.result() for task in tasks]
