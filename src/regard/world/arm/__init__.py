"""The arm: its contract, its files, and the simulated one."""
