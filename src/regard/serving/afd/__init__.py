"""Attention-FFN disaggregation: the halves of each layer run as separate instances."""
