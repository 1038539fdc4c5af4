"""The flags of `regard serve`."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro
from tyro.constructors import PrimitiveConstructorSpec

from regard.common.errors import UserError
from regard.serving.afd.config import AfdConfig
from regard.serving.config import EngineConfig
from regard.serving.server.config import DEFAULT_MAX_BODY_MIB, DEFAULT_MAX_IMAGES, ServerConfig

PROGRAM = "regard serve"
LOOPBACK = "127.0.0.1"


def _named_path(arguments: list[str]) -> tuple[str, str]:
    name, equals, path = arguments[0].partition("=")
    if not (name and equals and path):
        raise ValueError(f"{arguments[0]!r} is not of the form NAME=PATH")
    return name, path


NamedPath = Annotated[
    tuple[str, str],
    PrimitiveConstructorSpec(
        nargs=1,
        metavar="NAME=PATH",
        instance_from_str=_named_path,
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda pair: ["=".join(pair)],
    ),
]


@dataclass(frozen=True, kw_only=True)
class ServeOptions(EngineConfig, AfdConfig):
    """Serve a model over an OpenAI-compatible HTTP API.

    The model can also be the first argument. Example: regard serve default --port 8000
    """

    host: str = LOOPBACK
    """Address to listen on; 0.0.0.0 lets other machines in (set --api-key then)."""
    port: int = 8000
    """Port to listen on; 0 takes a free one."""
    api_key: str | None = None
    """Clients must send it as a bearer token; by default everyone is let in."""
    max_body_mib: float = DEFAULT_MAX_BODY_MIB
    """Largest request body in MiB, and largest file of a remote picture."""
    max_images: int = DEFAULT_MAX_IMAGES
    """Most pictures in one request."""
    allow_remote_images: bool = False
    """Fetch pictures from http and https URLs on the public internet; otherwise data URIs only."""
    shutdown_grace_seconds: float = 30.0
    """Time for running requests to finish after SIGTERM or Ctrl-C."""
    uvicorn_log_level: Literal["critical", "error", "warning", "info", "debug"] = "warning"
    """What the HTTP server logs; info has a line for every request."""
    loras: Annotated[
        tuple[NamedPath, ...], tyro.conf.UseAppendAction, tyro.conf.arg(name="lora")
    ] = ()
    """LoRA adapter in PEFT format, served under its name; may be given several times."""
    num_threads: Annotated[int, tyro.conf.arg(aliases=["--threads"])] = 0
    """CPU threads; 0 takes the idle cores this process may use."""

    @property
    def engine_config(self) -> EngineConfig:
        """The engine's part."""
        names = [field.name for field in dataclasses.fields(EngineConfig)]
        return EngineConfig(**{name: getattr(self, name) for name in names})

    @property
    def afd_config(self) -> AfdConfig:
        """How the model is laid out over processes."""
        names = [field.name for field in dataclasses.fields(AfdConfig)]
        return AfdConfig(**{name: getattr(self, name) for name in names})

    @property
    def server_config(self) -> ServerConfig:
        """The HTTP side's part."""
        return ServerConfig(
            api_key=self.api_key,
            max_body_mib=self.max_body_mib,
            max_images=self.max_images,
            allow_remote_images=self.allow_remote_images,
        )


def parse_options(argv: Sequence[str]) -> ServeOptions:
    """The options in a command line; exits with status 2 where it cannot be understood.

    Raises:
        UserError: options that do not go together.
    """
    arguments = list(argv)
    if arguments and not arguments[0].startswith("-"):
        arguments.insert(0, "--model")
    options = tyro.cli(ServeOptions, prog=PROGRAM, args=arguments)
    if options.afd is None and (options.torchrun or options.ray is not None):
        raise UserError(
            "--torchrun and --ray start instances: say how many with --afd, such as 2A1F"
        )
    return options
