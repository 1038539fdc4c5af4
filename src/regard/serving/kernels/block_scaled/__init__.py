"""FP8 products with the checkpoint's block scales and what is fused to them, in CUDA for Hopper."""
