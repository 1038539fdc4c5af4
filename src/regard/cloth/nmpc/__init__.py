"""Planning by search: nonlinear model predictive control, and an oracle that knows the truth."""
