"""Waiting for sockets without falling asleep at once."""

from regard.serving.kernels.poll.cpu import spinning_poll
from regard.serving.kernels.poll.reference import plain_poll

__all__ = ["plain_poll", "spinning_poll"]
