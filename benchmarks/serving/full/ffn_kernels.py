"""An FFN GPU's work by the kernels that the slice runs, for its own experts."""

from dataclasses import dataclass

import torch

from benchmarks.serving.full.ffn_side import FfnSide
from benchmarks.serving.full.intake_kernels import dispatch, gather_messages
from benchmarks.serving.full.weights import FfnLayer
from benchmarks.serving.slice.cut import NUM_PARTS, cut_for
from benchmarks.serving.slice.ffn_kernels import permute
from benchmarks.serving.slice.tensors import empty_rows
from regard.serving.kernels.block_scaled.experts import (
    TILE,
    Cut,
    Owned,
    gated_linear,
    routed_down,
    whole_down,
)
from regard.serving.kernels.block_scaled.launch import Launch
from regard.serving.kernels.combine.gpu import add_routed
from regard.serving.kernels.routing.reference import Dispatch


class Room:
    """Tokens of one micro-batch."""

    def __init__(self, side: FfnSide) -> None:
        """Allocates it."""
        config, device = side.config, side.device
        shape = (config.num_tokens, config.model.num_experts_per_token)
        owned = len(side.share.experts)
        self.rows = empty_rows(config.num_tokens, config.model.hidden_size, device)
        self.chosen = torch.zeros(shape, dtype=torch.int32, device=device)
        self.shares = torch.zeros(shape, device=device)
        self.dispatch = Dispatch(
            torch.zeros(owned, config.capacity, dtype=torch.int32, device=device),
            torch.zeros(owned, dtype=torch.int32, device=device),
            torch.full(shape, -1, dtype=torch.int32, device=device),
        )


@dataclass(frozen=True)
class Prepared:
    """The products of one layer for one micro-batch."""

    gated: Launch
    down: Launch | None
    shared_down: Launch


class KernelFfn:
    """As `FfnOperators`."""

    def __init__(self, side: FfnSide) -> None:
        """Prepares every launch."""
        self.side = side
        config, device, model = side.config, side.device, side.config.model
        lines = len(side.share.experts) * config.capacity
        self.rooms = [Room(side) for _ in side.inboxes]
        self.owned_rows = empty_rows(lines, model.hidden_size, device)
        self.routed = empty_rows(lines, model.moe_intermediate_size, device)
        self.shared = empty_rows(config.num_tokens, side.share.shared_width, device)
        self.dense = empty_rows(config.num_tokens, side.share.dense_width, device)
        shape = (NUM_PARTS, lines, model.hidden_size)
        self.routed_out = torch.zeros(shape, dtype=torch.bfloat16, device=device)
        self.most = torch.zeros(1, dtype=torch.int32, device=device)
        """The most tokens that an expert ever had; above the capacity the run is void."""
        self._everyone = torch.tensor([config.num_tokens], dtype=torch.int32, device=device)
        self._cut = self._make_cut()
        self._prepared = [
            [self._prepare(layer, index) for index in range(len(self.rooms))]
            for layer in side.layers
        ]

    def _make_cut(self) -> Cut:
        """How the work is cut."""
        most = torch.cuda.get_device_properties(self.side.device).multi_processor_count
        tiles = len(self.side.share.experts) * self.side.config.model.hidden_size // TILE
        return cut_for(self.side.config.mean_rows, tiles, most)

    def _prepare(self, layer: FfnLayer, index: int) -> Prepared:
        room, cut = self.rooms[index], self._cut
        counts, out = room.dispatch.counts, self.side.inboxes[index].result
        if layer.down is None:
            none = Owned(self.owned_rows, counts[:0])
            return Prepared(
                gated_linear(room.rows, none, layer.gated, self.routed, self.dense, cut),
                None,
                whole_down(self.dense, self._everyone, layer.shared_down, out, cut),
            )
        owned = Owned(self.owned_rows, counts)
        return Prepared(
            gated_linear(room.rows, owned, layer.gated, self.routed, self.shared, cut),
            routed_down(self.routed, owned, layer.down, self.routed_out, cut),
            whole_down(self.shared, self._everyone, layer.shared_down, out, cut),
        )

    @property
    def launches(self) -> list[Launch]:
        """All products."""
        made = [each for row in self._prepared for each in row]
        every = [each for one in made for each in (one.gated, one.down, one.shared_down)]
        return [each for each in every if each is not None]

    def take_in(self, position: int, microbatch: int) -> None:
        """As `FfnOperators`."""
        side, room = self.side, self.rooms[microbatch]
        everything = side.inboxes[microbatch].everything
        gather_messages(everything, side.config, room.rows, room.chosen, room.shares)
        if not side.config.is_dense(position):
            dispatch(room.chosen, side.index, side.config.num_ffn, room.dispatch, self.most)

    def compute(self, position: int, microbatch: int) -> None:
        """As `FfnOperators`."""
        side, room = self.side, self.rooms[microbatch]
        launches = self._prepared[position][microbatch]
        if launches.down is not None:
            permute(room.rows, room.dispatch.order, room.dispatch.counts, self.owned_rows)
        launches.gated()
        if launches.down is not None:
            launches.down()
        launches.shared_down()
        if launches.down is not None:
            result, whole = side.inboxes[microbatch].result, self._cut.num_whole
            add_routed(result, self.routed_out, room.dispatch, room.shares, whole)

    def check_capacity(self) -> None:
        """Refuses what was computed if an expert ever had more tokens than there is room for.

        Raises:
            RuntimeError: It had; the run is void.
        """
        most, capacity = int(self.most.item()), self.side.config.capacity
        if most > capacity:
            raise RuntimeError(
                f"an expert had {most} tokens and room for {capacity}: the run is void; "
                "give more --room"
            )
