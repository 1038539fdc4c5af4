"""Waiting for sockets without falling asleep at once."""

from regard.serving.kernels.poll.cpu import SpinningPoll
from regard.serving.kernels.poll.reference import plain_poll

__all__ = ["SpinningPoll", "plain_poll"]
