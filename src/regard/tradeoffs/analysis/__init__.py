"""Estimates with intervals over wordings: slopes, thresholds, prices, contrasts."""
