"""The error every part of Regard raises for what its user can mend."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend; the command line prints it in one line, without a traceback."""
