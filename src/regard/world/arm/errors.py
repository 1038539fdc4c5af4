"""What can be wrong with an arm and its model."""

from regard.common.errors import UserError


class ArmModelError(UserError):
    """The files of the arm are missing, damaged, or not what was expected."""


class ArmCommandError(UserError):
    """A command that an arm cannot take."""
