"""`regard chat`: talk to a model in the terminal."""

import asyncio
import io
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import tyro
from rich.console import Console

from regard.common.errors import UserError
from regard.serving.api_client import ApiClient
from regard.serving.chat_model import AnswerLimits, ChatModel, LocalModel, ServerModel
from regard.serving.config import EngineConfig
from regard.serving.errors import ServingError
from regard.serving.sampling_params import SamplingParams

PROGRAM = "regard chat"
PROMPT = "> "
REASONING_STYLE = "dim italic"
HELP = """\
/reset         forget the conversation
/system TEXT   set the system prompt and begin anew; without TEXT there is none
/quit          end (so does Ctrl-D)
/help          this list
Ctrl-C stops an answer. A line that begins with a space is always a message."""

ReadLine = Callable[[], str]


@dataclass(frozen=True, kw_only=True)
class ChatOptions:
    """Talk to a model in the terminal: a server's, or one loaded here (the default one).

    Lines from a pipe are answered one after another.

    Example: regard chat --base-url http://127.0.0.1:8000
    """

    base_url: str | None = None
    """Address of a running server; without it the model is loaded in this process."""
    model: str | None = None
    """Directory, GGUF file or Hugging Face id to load; with --base-url, which served model."""
    api_key: str | None = None
    """Sent to the server as a bearer token."""
    system: str | None = None
    """System prompt."""
    max_tokens: int = 512
    """Most tokens of one answer."""
    temperature: float = 0.7
    """0 always takes the likeliest token."""
    seed: int | None = None
    """Same seed and conversation, same answer."""


def main(argv: Sequence[str]) -> int:
    """Chats until Ctrl-D, /quit or the end of the input.

    Raises:
        ServerError: no server answers at --base-url, or it refuses.
        WeightsError: a model file cannot be used.
    """
    options = tyro.cli(ChatOptions, prog=PROGRAM, args=list(argv))
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    is_interactive = sys.stdin.isatty() and sys.stdout.isatty()
    with asyncio.Runner() as runner:
        model = open_model(options, runner)
        try:
            chat = Chat(runner, model, options.system, is_interactive=is_interactive)
            return chat.run()
        finally:
            runner.run(model.aclose())


def open_model(options: ChatOptions, runner: asyncio.Runner) -> ChatModel:
    """The model that the options name, ready to answer in this runner."""
    # Checked before anything is loaded.
    SamplingParams(
        max_tokens=options.max_tokens, temperature=options.temperature, seed=options.seed
    )
    limits = AnswerLimits(options.max_tokens, options.temperature, options.seed)
    if options.base_url is not None:
        client = ApiClient(options.base_url, options.api_key)
        return ServerModel(client, runner.run(client.choose_model(options.model)), limits)
    if options.api_key is not None:
        raise UserError("--api-key goes to a server; name it with --base-url")
    # What follows loads torch, which --help and a server's client need not wait for.
    from regard.serving.async_engine import AsyncEngine

    config = EngineConfig() if options.model is None else EngineConfig(model=options.model)
    print(f"loading {config.model} ...", file=sys.stderr, flush=True)
    # Outside the runner, where the first Ctrl-C would not end it.
    engine = AsyncEngine.from_config(config)
    runner.run(engine.start())
    return LocalModel(engine, limits)


class Chat:
    """A conversation between standard input and a model."""

    def __init__(
        self,
        runner: asyncio.Runner,
        model: ChatModel,
        system: str | None,
        *,
        is_interactive: bool,
        read_line: ReadLine | None = None,
    ) -> None:
        """Begins a conversation.

        Args:
            runner: runs the answers; it turns Ctrl-C into the end of one.
            model: what answers.
            system: the system prompt.
            is_interactive: a person types; else lines come from a pipe and errors end the program.
            read_line: gives the next line, raises EOFError at the end; `input` by default.
        """
        self._runner = runner
        self._model = model
        self._system = system
        self._is_interactive = is_interactive
        self._read_line = read_line or _line_reader(is_interactive)
        self._console = Console(highlight=False, soft_wrap=True)
        self._messages: list[dict[str, str]] = []

    def run(self) -> int:
        """Reads and answers until the input ends."""
        self._note(f"{self._model.name}; /help lists the commands, Ctrl-D ends")
        while True:
            try:
                line = self._read_line()
            except EOFError:
                self._note("")
                return 0
            except KeyboardInterrupt:
                if not self._is_interactive:
                    raise
                self._note("\nCtrl-D or /quit ends")
                continue
            if line.startswith("/"):
                if line.split()[0] == "/quit":
                    return 0
                self._obey(line)
            elif line.strip():
                self._answer(line.strip())

    def _obey(self, line: str) -> None:
        command, _, text = line.strip().partition(" ")
        if command == "/reset":
            self._messages = []
            self._note("the conversation is forgotten")
        elif command == "/system":
            self._system, self._messages = text.strip() or None, []
            self._note("a new conversation, " + ("system prompt set" if text else "no system one"))
        elif command == "/help":
            print(HELP, flush=True)
        else:
            self._complain(f"unknown command {command!r}; /help lists them")

    def _complain(self, problem: str) -> None:
        if not self._is_interactive:
            raise UserError(problem)
        print(f"error: {problem}", file=sys.stderr, flush=True)

    def _answer(self, text: str) -> None:
        answer: list[str] = []
        self._messages.append({"role": "user", "content": text})
        try:
            self._runner.run(self._stream(answer))
        except KeyboardInterrupt:
            self._console.print()
            print("stopped", file=sys.stderr, flush=True)
        except (UserError, ServingError) as error:
            # The question is taken back too, so that the conversation can go on.
            self._messages.pop()
            if answer:
                self._console.print()
            self._complain(f"{error} (/reset begins anew)" if self._is_interactive else str(error))
            return
        if answer:
            self._messages.append({"role": "assistant", "content": "".join(answer)})
        else:
            self._messages.pop()

    async def _stream(self, answer: list[str]) -> None:
        system = [] if self._system is None else [{"role": "system", "content": self._system}]
        started = time.monotonic()
        num_tokens = 0
        was_reasoning = False
        async with aclosing(self._model.answer([*system, *self._messages])) as pieces:
            async for piece in pieces:
                num_tokens = piece.num_tokens or num_tokens
                if piece.reasoning and self._is_interactive:
                    self._show(piece.reasoning, REASONING_STYLE)
                    was_reasoning = True
                if piece.content:
                    if was_reasoning:
                        self._show("\n")
                        was_reasoning = False
                    self._show(piece.content)
                    answer.append(piece.content)
        self._console.print()
        seconds = time.monotonic() - started
        if num_tokens and seconds > 0:
            self._note(f"{num_tokens} tokens, {num_tokens / seconds:.1f} tokens/s")

    def _show(self, text: str, style: str | None = None) -> None:
        if self._is_interactive:
            self._console.print(printable(text), end="", markup=False, emoji=False, style=style)
        else:
            self._console.file.write(printable(text))
        self._console.file.flush()

    def _note(self, text: str) -> None:
        """Something beside the conversation, for a person only."""
        if self._is_interactive:
            self._console.print(text, style="dim", markup=False)


def printable(text: str) -> str:
    """The text without control characters, with which it could steer the terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


def _line_reader(is_interactive: bool) -> ReadLine:
    if is_interactive:
        with suppress(ImportError):
            import readline  # noqa: F401  # gives `input` editing and a history
        return lambda: input(PROMPT)
    return _read_stdin


def _read_stdin() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")
