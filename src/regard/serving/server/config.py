"""The server's own options."""

from dataclasses import dataclass

DEFAULT_MAX_BODY_MIB = 8.0
DEFAULT_MAX_IMAGES = 16


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """What the HTTP side is built from; the engine has its own options."""

    api_key: str | None = None
    """Clients must send it as a bearer token under /v1; None lets everyone in."""
    max_body_mib: float = DEFAULT_MAX_BODY_MIB
    """Largest request body in MiB; larger ones get 413."""

    max_images: int = DEFAULT_MAX_IMAGES
    """Most pictures in one request."""
    allow_remote_images: bool = False
    """Whether pictures are fetched from http and https URLs."""

    @property
    def max_body_bytes(self) -> int:
        """The limit in bytes."""
        return int(self.max_body_mib * 2**20)
