"""What an instance is told to be, and what follows from that."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch

from regard.serving.afd.codec import make_codec
from regard.serving.afd.config import MAX_MICROBATCHES, AfdConfig
from regard.serving.afd.fingerprint import fingerprint
from regard.serving.afd.link.choice import LinkKind, choose_link
from regard.serving.afd.link.options import LinkOptions
from regard.serving.afd.place import place_names
from regard.serving.afd.topology import Topology, parse_topology
from regard.serving.afd.trace import Recorder
from regard.serving.config import EngineConfig
from regard.serving.errors import InvalidRequestError
from regard.serving.models.memory import (
    attention_shapes,
    check_room,
    shard_shapes,
    weight_bytes,
)
from regard.serving.models.numerics import Numerics, choose_numerics
from regard.serving.models.step3_config import Step3Config
from regard.serving.models.weights import OpenedModel, open_model, tensor_shapes

Role = Literal["attention", "ffn"]
SPIN_SECONDS = 0.001


@dataclass(frozen=True)
class Assignment:
    """One instance's part."""

    role: Role
    """Which half."""
    index: int
    """Which of its kind; of a spare FFN instance, the one whose shard it holds."""
    engine: EngineConfig
    """The engine's options."""
    afd: AfdConfig
    """The layout."""
    token: str
    """The shared secret."""
    may_spin: bool
    """Whether the host has a core for each of its instances."""

    @cached_property
    def opened(self) -> OpenedModel:
        """The model's files; tensors are read when they are asked for."""
        return open_model(
            self.engine.model,
            load_format=self.engine.load_format,
            seed=self.engine.seed,
            # Which GPU depends on the topology, and that on the model: here it is the one in use.
            device=self._common_numerics.device,
        )

    @cached_property
    def _common_numerics(self) -> Numerics:
        """Of every instance, before each has a GPU of its own."""
        return choose_numerics(self.engine.mode, self.engine.device, self.engine.dtype)

    @cached_property
    def numerics(self) -> Numerics:
        """Mode, device, types; each instance has a GPU of its own where there are enough."""
        numerics = self._common_numerics
        if numerics.device != torch.device("cuda"):
            return numerics
        place = self.index + (self.topology.num_attention if self.role == "ffn" else 0)
        return replace(numerics, device=torch.device("cuda", place % torch.cuda.device_count()))

    @cached_property
    def topology(self) -> Topology:
        """All instances.

        Raises:
            InvalidRequestError: none is asked for, or one that cannot be.
        """
        if self.afd.afd is None:
            raise InvalidRequestError(
                "no topology is given: say how many attention and FFN instances, such as 2A1F",
                param="afd",
            )
        return parse_topology(self.afd.afd, self.opened.config, self.afd.afd_expert_groups)

    @property
    def num_instances(self) -> int:
        """Of all kinds, spares included."""
        return self.topology.num_attention + self.topology.num_ffn + self.afd.spare_ffn

    def check(self) -> None:
        """Refuse, with the sums, what cannot be held by the machine where all instances start.

        Raises:
            InvalidRequestError: it cannot, a feed-forward cannot be cut into so many shards, or the
                link cannot be.
        """
        topology = self.topology
        if not 1 <= self.afd.microbatches <= MAX_MICROBATCHES:
            raise InvalidRequestError(
                f"{self.afd.microbatches} micro-batches; 1 to {MAX_MICROBATCHES} are possible",
                param="microbatches",
            )
        held = self.weight_bytes_by_place()
        if self.afd.afd_spawn:
            choose_link(self.afd, self.numerics.device, self.num_instances)
            parts = " + ".join(
                f"{nbytes / 1e9:.1f}" for name, nbytes in held.items() if "attention" not in name
            )
            check_room(
                f"{self.opened.name} as {topology} ({topology.num_attention} x "
                f"{held['attention0'] / 1e9:.1f} GB for attention, {parts} GB for FFN instances)",
                sum(held.values()),
                self.numerics.device,
            )

    def weight_bytes_by_place(self) -> dict[str, int]:
        """What each instance will hold.

        Raises:
            InvalidRequestError: a feed-forward cannot be cut into so many shards.
        """
        opened, topology = self.opened, self.topology
        shapes = tensor_shapes(opened.config)
        attention = weight_bytes(opened.tensors, attention_shapes(shapes), self.numerics)
        ffn = [
            weight_bytes(opened.tensors, shard_shapes(shapes, shard), self.numerics)
            for shard in topology.shards
        ]
        spares = [ffn[number % len(ffn)] for number in range(self.afd.spare_ffn)]
        sizes = [attention] * topology.num_attention + ffn + spares
        return dict(zip(place_names(topology, self.afd.spare_ffn), sizes, strict=True))

    @cached_property
    def link(self) -> LinkKind:
        """What joins the instances.

        Raises:
            InvalidRequestError: the link that is asked for cannot be.
        """
        return choose_link(self.afd, self.numerics.device, self.num_instances)

    @cached_property
    def link_options(self) -> LinkOptions:
        """What both ends of the link must agree on."""
        config = self.opened.config
        return LinkOptions(
            token=self.token,
            digest=fingerprint(config, self.opened.tensors, self.numerics),
            codec=make_codec(self.afd.afd_wire, is_exact=self.numerics.is_exact),
            hidden=config.hidden_size,
            top_k=config.num_experts_per_token if isinstance(config, Step3Config) else 0,
            num_microbatches=self.afd.microbatches,
            max_rows=self.engine.max_num_batched_tokens,
            spin_seconds=SPIN_SECONDS if self.may_spin else 0.0,
            delay_seconds=self.afd.afd_link_delay_us * 1e-6,
        )

    def take_device(self) -> None:
        """Make this instance's GPU, if it has one, the one that this process uses by default."""
        if self.numerics.device.type == "cuda":
            torch.cuda.set_device(self.numerics.device)

    @cached_property
    def recorder(self) -> Recorder | None:
        """Where spans go, if a trace is wanted."""
        return None if self.afd.trace is None else Recorder(f"{self.role}{self.index}")
