"""Measures the simulated world."""
