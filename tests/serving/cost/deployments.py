"""The report's 2A2F, and layouts that differ from it."""

from dataclasses import replace

from regard.serving.cost.accelerators import shipped_accelerators
from regard.serving.cost.architectures import preset
from regard.serving.cost.deployment import Deployment

H100 = shipped_accelerators()["h100"]


def deployment(name: str = "step3", **changes) -> Deployment:
    base = Deployment(
        architecture=preset(name).architecture,
        attention_on=H100,
        ffn_on=H100,
        attention_servers=2,
        ffn_servers=2,
        sequences=128,
        microbatches=3,
        context=4096,
    )
    return replace(base, **changes)
