"""`regard cost`: which question to answer."""

from collections.abc import Sequence
from types import MappingProxyType

from regard.common.verbs import Verb, VerbTable

VERBS = MappingProxyType(
    {
        "table": Verb(
            "regard.serving.cost.commands.table",
            "Dollars per million decoded tokens: models by accelerators",
        ),
        "plan": Verb(
            "regard.serving.cost.commands.plan",
            "A deployment for a model, a context and a time per token",
        ),
        "sweep": Verb(
            "regard.serving.cost.commands.sweep",
            "Cost over contexts, prices, formats or drafted tokens",
        ),
        "roofline": Verb(
            "regard.serving.cost.commands.roofline",
            "Where attention of each model meets the limits of each accelerator",
        ),
        "sparsity": Verb(
            "regard.serving.cost.commands.sparsity",
            "How sparse experts may be before the network binds, and the batch they need",
        ),
        "report": Verb(
            "regard.serving.cost.commands.report", "One HTML page with all of it, and its figures"
        ),
        "models": Verb("regard.serving.cost.commands.models", "The models that ship"),
        "accelerators": Verb(
            "regard.serving.cost.commands.accelerators", "The accelerators that ship"
        ),
    }
)


def main(argv: Sequence[str]) -> int:
    """Runs one verb and returns its exit status."""
    table = VerbTable(
        program="regard cost",
        verbs=VERBS,
        about="What a decoded token costs, after the analysis of the Step-3 report "
        "(arXiv:2507.19427).",
        example="regard cost table --context 8192",
    )
    return table.run(argv)
