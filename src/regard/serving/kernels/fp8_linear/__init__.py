"""FP8 linear layer with the checkpoint's block scales, for the few rows of a decode step."""
