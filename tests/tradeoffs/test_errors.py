"""What the user can mend is printed in one line."""

from regard.common.errors import UserError
from regard.tradeoffs.errors import TradeoffsError


def test_the_command_line_prints_it_in_one_line() -> None:
    assert issubclass(TradeoffsError, UserError)
