"""The process of an attention instance: an engine whose feed-forwards run elsewhere."""

import queue
from typing import Any

from regard.serving.afd.assignment import Assignment
from regard.serving.afd.link.choice import make_attention_end
from regard.serving.afd.link.contract import AttentionEnd
from regard.serving.afd.link.tcp_attention import Address
from regard.serving.afd.membership import Membership
from regard.serving.afd.messages import outputs_to_json, request_from_json, stats_to_json
from regard.serving.afd.pipeline import PipelinedDecoder
from regard.serving.engine import Engine
from regard.serving.errors import ServingError
from regard.serving.models.build import build_attention
from regard.serving.models.decoder import Trunk
from regard.serving.models.loader import LoadedModel, build

IDLE_SECONDS = 0.1


def run(assignment: Assignment, membership: Membership) -> None:
    """Load attention's part, then take steps until told to stop.

    Raises:
        ServingError: the part cannot be loaded.
    """
    assignment.take_device()
    link = make_attention_end(
        assignment.link,
        assignment.link_options,
        assignment.numerics.device,
        index=assignment.index,
        num_ffn=assignment.topology.num_ffn,
        on_ffn_loss=assignment.afd.on_ffn_loss,
        recovery_timeout_seconds=assignment.afd.recovery_timeout,
        recorder=assignment.recorder,
        on_lost=lambda ffn, reason: membership.send("ffn_lost", ffn=ffn, reason=reason),
    )
    engine = Engine(assignment.engine, load_attention(assignment, link))

    def take_at_once(message: dict[str, Any]) -> bool:
        # A step that waits for a lost FFN instance cannot look into the inbox.
        if message["kind"] != "ffn_address":
            return False
        link.set_address(message["ffn"], _address(message))
        return True

    membership.on_message = take_at_once
    membership.status = lambda: {"stats": stats_to_json(engine.stats())}
    membership.ready()
    while not membership.is_stopping:
        _take_messages(engine, membership)
        if engine.has_unfinished():
            membership.send("outputs", outputs=outputs_to_json(engine.step()))
    link.close()


def _address(message: dict[str, Any]) -> Address:
    host, port = message["address"]
    return Address(host, port, message["generation"])


def load_attention(assignment: Assignment, link: AttentionEnd) -> LoadedModel:
    """Attention's part of the model, joined to a link."""
    opened, numerics = assignment.opened, assignment.numerics
    model = PipelinedDecoder(
        Trunk(opened.config, opened.tensors, numerics),
        build_attention(opened.config, opened.tensors, numerics),
        link,
        num_microbatches=assignment.afd.microbatches,
        min_rows=assignment.afd.microbatch_min_rows,
        recorder=assignment.recorder,
    )
    return build(
        assignment.engine,
        name=assignment.engine.served_model_name or opened.name,
        model_config=opened.config,
        tensors=opened.tensors,
        tokenizer=opened.tokenizer,
        numerics=numerics,
        model=model,
    )


def _take_messages(engine: Engine, membership: Membership) -> None:
    """Do what the inbox asks; wait a little for it where there is nothing else to do."""
    while True:
        try:
            if engine.has_unfinished():
                message = membership.inbox.get_nowait()
            else:
                message = membership.inbox.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            return
        if message["kind"] == "stop":
            return
        if message["kind"] == "abort":
            engine.abort(message["request_id"])
        elif message["kind"] == "submit":
            _submit(engine, membership, message["request"])


def _submit(engine: Engine, membership: Membership, data: dict[str, Any]) -> None:
    try:
        engine.add_request(request_from_json(data))
    except ServingError as error:
        membership.send(
            "refused",
            request_id=data["request_id"],
            error=type(error).__name__,
            message=str(error),
            param=getattr(error, "param", None),
        )
