"""`regard afd`: which verb to run."""

from collections.abc import Sequence
from types import MappingProxyType

from regard.common.verbs import Verb, VerbTable

VERBS = MappingProxyType(
    {
        "join": Verb("regard.serving.afd.join_command", "Become an instance of a running service"),
        "report": Verb(
            "regard.serving.afd.report_command", "Sum a timeline up: bubbles, straggler, bound"
        ),
        "simulate": Verb(
            "regard.serving.afd.simulation.command",
            "Predict the step time of any topology; nothing is run",
        ),
    }
)


def main(argv: Sequence[str]) -> int:
    """Runs one verb and returns its exit status."""
    table = VerbTable(
        program="regard afd",
        verbs=VERBS,
        about="Attention and feed-forwards of a model as separate instances "
        "(attention-FFN disaggregation).",
        example="regard afd simulate --preset step3-2a2f-4k",
    )
    return table.run(argv)
