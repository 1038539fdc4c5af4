"""Each token's sum over its experts: the shared one's down projection, plus the routed results."""
