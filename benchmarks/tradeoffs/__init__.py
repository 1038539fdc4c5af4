"""Measurements of the trade-off system."""
