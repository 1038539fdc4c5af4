"""Benchmarks of `regard.serving`."""
