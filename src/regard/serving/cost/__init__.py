"""What a decoded token costs, on which accelerators, and how to deploy for it."""
