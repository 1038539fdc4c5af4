"""Benchmarks of `regard.cloth`."""
