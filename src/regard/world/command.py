"""`regard world`: which verb to run."""

from collections.abc import Sequence
from types import MappingProxyType

from regard.common.verbs import Verb, VerbTable

VERBS = MappingProxyType(
    {
        "bench": Verb(
            "regard.world.execution.command", "Given the right plan, does physics end as it should?"
        ),
        "render": Verb("regard.world.render_command", "Draw a scene as a picture or a clip"),
        "run": Verb("regard.world.skills.run_command", "Run one skill, live, under the watchdog"),
        "view": Verb("regard.world.view_command", "Show a scene in MuJoCo's viewer"),
        "skills": Verb("regard.world.skills.command", "List the skills and their arguments"),
    }
)


def main(argv: Sequence[str]) -> int:
    """Runs one verb and returns its exit status."""
    table = VerbTable(
        program="regard world",
        verbs=VERBS,
        about="A simulated table with household objects, a seated person and an arm.",
        example="regard world bench --trials 11 --seed 0 --json",
    )
    return table.run(argv)
