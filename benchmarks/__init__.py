"""Benchmarks: each measures, writes rows, and decides nothing."""
