"""What every system shares: result rows, statistics, seeds, progress."""
