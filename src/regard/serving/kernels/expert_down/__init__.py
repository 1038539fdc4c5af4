"""The experts' second half: down projections, and each token's weighted sum over its experts."""
