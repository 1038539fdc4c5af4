"""Adds what arrived to the residual stream, normalises it and quantises the rows, in one pass."""
