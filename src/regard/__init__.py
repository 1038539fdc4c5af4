"""Regard: an open stack for assistive robots."""

__version__ = "0.1.0"
