"""Household objects: what each one is, what it affords, its geometry as MJCF."""
