"""Simulated players whose true verdict is known: the instrument is tested on them."""
