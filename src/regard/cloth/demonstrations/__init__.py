"""Datasets of successful episodes, in Minari's format."""
