"""A whole topology in one process, over the link that specifies the others."""

from dataclasses import replace

from regard.serving.afd.codec import Codec
from regard.serving.afd.ffn_worker import FfnWorker
from regard.serving.afd.link.in_process import InProcessNetwork
from regard.serving.afd.pipeline import PipelinedDecoder
from regard.serving.afd.topology import Topology
from regard.serving.models.build import build_attention, build_feed_forwards
from regard.serving.models.decoder import Tensors, Trunk
from regard.serving.models.loader import LoadedModel


def in_process_models(
    loaded: LoadedModel,
    tensors: Tensors,
    topology: Topology,
    codec: Codec,
    *,
    num_microbatches: int,
) -> list[LoadedModel]:
    """One model for each attention instance; all share the FFN instances.

    Args:
        loaded: the model in one piece, for everything but its layers.
        tensors: its weights.
        topology: how many instances.
        codec: what rows look like on the way.
        num_microbatches: micro-batches of a step.
    """
    config, numerics = loaded.model.config, loaded.numerics
    network = InProcessNetwork(topology.num_attention, topology.num_ffn, codec)
    workers = [
        FfnWorker(build_feed_forwards(config, tensors, numerics, shard), end)
        for shard, end in zip(topology.shards, network.feed_forward_ends, strict=True)
    ]
    trunk = Trunk(config, tensors, numerics)
    sides = build_attention(config, tensors, numerics)
    return [
        replace(
            loaded,
            model=PipelinedDecoder(
                trunk,
                sides,
                network.attention_end(index, workers),
                num_microbatches=num_microbatches,
            ),
        )
        for index in range(topology.num_attention)
    ]
