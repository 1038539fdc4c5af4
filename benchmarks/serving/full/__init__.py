"""All layers and experts of Step-3 on one host, attention and feed-forwards on different GPUs."""
