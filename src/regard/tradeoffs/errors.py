"""The error of the trade-off system that its user can mend."""

from __future__ import annotations

from regard.common.errors import UserError


class TradeoffsError(UserError):
    """A request, a file or a model that the instrument cannot use; says what to change."""
