"""The verbs of `regard cost`."""
