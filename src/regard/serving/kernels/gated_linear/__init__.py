"""The experts' first half: gate and up projections, SwiGLU and quantisation in one kernel."""
