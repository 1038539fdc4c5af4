"""What Inspect finds through the entry point `inspect_ai`: the tasks and the simulated players."""

from regard.tradeoffs.respondents.provider import RespondentAPI
from regard.tradeoffs.task import factorial, replica

__all__ = ["RespondentAPI", "factorial", "replica"]
