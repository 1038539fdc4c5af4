"""Operators: one folder each, a float32 reference beside every fast version."""
