"""What stops a benchmark."""

from regard.common.errors import UserError


class BenchError(UserError):
    """An option that cannot be, or a run without a single answer."""


def require(fits: bool, flag: str, value: object, allowed: str) -> None:
    """Refuses a flag's value.

    Raises:
        BenchError: it does not fit; the message says what would.
    """
    if not fits:
        raise BenchError(f"{flag} is {value}; it must be {allowed}")
