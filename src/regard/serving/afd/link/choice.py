"""Which link joins the instances: what `--afd-link` allows where they run."""

from collections.abc import Callable
from functools import partial
from typing import Literal, Protocol

import torch

from regard.serving.afd.config import AfdConfig
from regard.serving.afd.link.collective import CollectiveWiring
from regard.serving.afd.link.contract import AttentionEnd, FeedForwardEnd
from regard.serving.afd.link.options import LinkOptions
from regard.serving.afd.link.pair import Wiring
from regard.serving.afd.link.paired_attention import PairedAttentionEnd
from regard.serving.afd.link.paired_ffn import PairedFeedForwardEnd
from regard.serving.afd.link.patience import OnLoss
from regard.serving.afd.link.peer import PeerWiring
from regard.serving.afd.link.tcp_attention import Address, TcpAttentionEnd
from regard.serving.afd.link.tcp_ffn import TcpFeedForwardEnd
from regard.serving.afd.trace import Recorder
from regard.serving.errors import InvalidRequestError

LinkKind = Literal["tcp", "gloo", "nccl", "peer"]
BETWEEN_GPUS = ("peer", "nccl")


class RemoteAttentionEnd(AttentionEnd, Protocol):
    """An attention end whose FFN instances are elsewhere."""

    def set_address(self, ffn: int, address: Address) -> None:
        """Say where an FFN instance listens, now or from now on; any thread may."""
        ...


class ListeningFeedForwardEnd(FeedForwardEnd, Protocol):
    """An FFN end that attention instances connect to."""

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        ...


def choose_link(afd: AfdConfig, device: torch.device, num_instances: int) -> LinkKind:
    """Resolve `--afd-link`.

    Args:
        afd: the layout.
        device: where the rows are.
        num_instances: of all kinds, spares included.

    Raises:
        InvalidRequestError: a link that cannot be, and why.
    """
    on_gpus = device.type == "cuda"
    default: LinkKind = "tcp"
    if on_gpus:
        default = "peer" if afd.afd_spawn else "nccl"
    kind = default if afd.afd_link == "auto" else afd.afd_link
    if problem := _problem(kind, afd, on_gpus=on_gpus, num_instances=num_instances):
        raise InvalidRequestError(f"--afd-link {kind} {problem}", param="afd_link")
    return kind


def _problem(kind: LinkKind, afd: AfdConfig, *, on_gpus: bool, num_instances: int) -> str | None:
    if kind in BETWEEN_GPUS and not on_gpus:
        return "goes from GPU to GPU, and the device is the CPU: use tcp"
    if kind not in BETWEEN_GPUS and on_gpus:
        return f"goes from CPU to CPU, and the rows are on a GPU: use {' or '.join(BETWEEN_GPUS)}"
    if kind == "nccl" and afd.afd_spawn and num_instances > torch.cuda.device_count():
        return (
            f"needs a GPU for each instance: {num_instances} instances, "
            f"{torch.cuda.device_count()} GPUs here"
        )
    if kind != "tcp" and afd.afd_link_delay_us:
        return f"cannot be slowed down by {afd.afd_link_delay_us:g} us: only tcp can"
    if kind in BETWEEN_GPUS and afd.trace is not None:
        return (
            "leaves the order of the stages to the GPUs, where --trace does not see them: use tcp"
        )
    return None


def make_attention_end(
    kind: LinkKind,
    options: LinkOptions,
    device: torch.device,
    *,
    index: int,
    num_ffn: int,
    on_ffn_loss: OnLoss,
    recovery_timeout_seconds: float,
    recorder: Recorder | None,
    on_lost: Callable[[int, str], None],
) -> RemoteAttentionEnd:
    """An attention instance's end; arguments as of `TcpAttentionEnd`."""
    make: Callable[..., RemoteAttentionEnd] = TcpAttentionEnd
    if kind != "tcp":
        make = partial(PairedAttentionEnd, wiring=wiring_of(kind, device))
    return make(
        options,
        index=index,
        num_ffn=num_ffn,
        on_ffn_loss=on_ffn_loss,
        recovery_timeout_seconds=recovery_timeout_seconds,
        recorder=recorder,
        on_lost=on_lost,
    )


def make_feed_forward_end(
    kind: LinkKind,
    options: LinkOptions,
    device: torch.device,
    *,
    index: int,
    host: str,
    recorder: Recorder | None,
) -> ListeningFeedForwardEnd:
    """An FFN instance's end; arguments as of `TcpFeedForwardEnd`."""
    if kind == "tcp":
        return TcpFeedForwardEnd(options, index=index, host=host, recorder=recorder)
    wiring = wiring_of(kind, device)
    return PairedFeedForwardEnd(options, wiring, index=index, host=host, recorder=recorder)


def wiring_of(kind: Literal["gloo", "nccl", "peer"], device: torch.device) -> Wiring:
    """How pairs of that kind are made."""
    return PeerWiring(device) if kind == "peer" else CollectiveWiring(kind, device)
