"""Between MFA's two query projections: inner norm, and the step's keys and values to the cache."""
