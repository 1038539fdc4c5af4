"""A request on its way through the service."""

from dataclasses import dataclass

from regard.serving.delivery import Mailbox
from regard.serving.request import Request


@dataclass(eq=False)
class Ticket:
    """A request under way, with what came of it so far."""

    request: Request
    """What was asked, and what has been put out: enough to go on elsewhere."""
    mailbox: Mailbox
    """Where its outputs go."""
    place: str = ""
    """Which attention instance has it."""
