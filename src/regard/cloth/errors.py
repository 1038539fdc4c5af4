"""The error of the cloth system that its user can mend."""

from __future__ import annotations

from regard.common.errors import UserError


class ClothError(UserError):
    """A request that the cloth system cannot meet; the message says what to change."""
