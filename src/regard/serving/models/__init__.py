"""Models: attention and feed-forward halves, weights, configuration."""
