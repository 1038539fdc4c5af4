"""The process of an FFN instance."""

from regard.serving.afd.assignment import Assignment
from regard.serving.afd.ffn_worker import FfnWorker
from regard.serving.afd.link.choice import make_feed_forward_end
from regard.serving.afd.membership import Membership
from regard.serving.models.build import build_feed_forwards

POLL_SECONDS = 0.1


def run(assignment: Assignment, membership: Membership) -> None:
    """Load a shard, say where rows go, and work until told to stop.

    Raises:
        ServingError: the shard cannot be loaded.
    """
    assignment.take_device()
    opened = assignment.opened
    shard = assignment.topology.shards[assignment.index]
    feed_forwards = build_feed_forwards(opened.config, opened.tensors, assignment.numerics, shard)
    link = make_feed_forward_end(
        assignment.link,
        assignment.link_options,
        assignment.numerics.device,
        index=assignment.index,
        host=membership.own_host,
        recorder=assignment.recorder,
    )
    worker = FfnWorker(feed_forwards, link, assignment.recorder)
    membership.ready(address=link.address)
    while not membership.is_stopping:
        worker.step(POLL_SECONDS)
    link.close()
