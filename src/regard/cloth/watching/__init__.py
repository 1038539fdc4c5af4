"""Clips of policies at work."""
