"""Running policies and counting what they achieve."""
